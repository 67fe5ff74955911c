/** What a call has really used. What is left out follows from the rest, or stays as it was held. */
export interface Usage {
  /** Input tokens, those from and to the provider's cache included. */
  readonly tokensIn?: number | undefined;
  /** Output tokens, those of reasoning included. */
  readonly tokensOut?: number | undefined;
  /** Of tokensIn, those read from the provider's cache. */
  readonly cachedTokensIn?: number | undefined;
  /** Of tokensIn, those written to the provider's cache. */
  readonly cacheWriteTokensIn?: number | undefined;
  readonly costUsd?: number | undefined;
  /** The model that answered. */
  readonly model?: string | undefined;
}

/** All that a call's work has reported so far. */
export interface Reported {
  readonly usage: Usage;
  /** The provider's usage by its own names, as JSON; '' if there is none. */
  readonly usageJson: string;
}

export const NOTHING: Reported = { usage: {}, usageJson: '' };

const COUNTS = ['tokensIn', 'tokensOut', 'cachedTokensIn', 'cacheWriteTokensIn'] as const;

/** As in the API; a provider's usage has a few hundred bytes. */
const MAX_USAGE_BYTES = 32_768;

/**
 * Adds a report. Named amounts are merged, a later one over an earlier one; of the providers' own
 * objects the last counts, as a stream's last chunk has the totals. Nothing is summed up.
 * @returns a sentence if it cannot be used; then nothing has changed
 */
export function withReport(reported: Reported, report: unknown): Reported | string {
  if (!isObject(report)) return `${String(report)} is no usage`;
  return isUsage(report) ? withAmounts(reported, report) : withProviders(reported, report);
}

function isUsage(report: object): report is Usage {
  return 'costUsd' in report || COUNTS.some((name) => name in report);
}

function withAmounts(reported: Reported, report: Usage): Reported | string {
  const given: Record<string, unknown> = {};
  for (const name of COUNTS) {
    const count = report[name];
    if (count === undefined) continue;
    if (!Number.isSafeInteger(count) || count < 0) return `${name}: ${count} is no count`;
    given[name] = count;
  }
  const { costUsd, model } = report;
  if (costUsd !== undefined) {
    if (!Number.isFinite(costUsd) || costUsd < 0) return `costUsd: ${costUsd} is no cost`;
    given['costUsd'] = costUsd;
  }
  if (model !== undefined) given['model'] = model;
  return { ...reported, usage: { ...reported.usage, ...given } };
}

function withProviders(reported: Reported, report: Record<string, unknown>): Reported | string {
  const found = usageIn(report);
  if (!found)
    return `an object of ${Object.keys(report).join(', ') || 'nothing'} has no usage in it`;
  try {
    const usageJson = JSON.stringify(found.usage);
    if (Buffer.byteLength(usageJson) > MAX_USAGE_BYTES) {
      return `a usage of over ${MAX_USAGE_BYTES} bytes is none`;
    }
    const model = found.model === undefined ? {} : { model: found.model };
    return { usage: { ...reported.usage, ...model }, usageJson };
  } catch (error) {
    return `the usage is no JSON: ${String(error)}`;
  }
}

/** Where the providers' responses have their usage, and the name of their model. */
const USAGE_KEYS = ['usage', 'usageMetadata', 'usage_info', 'tokenUsage'] as const;
const MODEL_KEYS = ['model', 'modelVersion'] as const;
/** Events of streams, and some gateways, have the response in an envelope. */
const ENVELOPES = ['response', 'result'] as const;

interface Found {
  readonly usage: object;
  readonly model: string | undefined;
}

/** The usage, cut out of what a provider sent: what was asked and answered stays in the process. */
function usageIn(report: Record<string, unknown>): Found | undefined {
  const models = MODEL_KEYS.filter((key) => typeof report[key] === 'string');
  const model = models[0] && String(report[models[0]]);
  const usages = USAGE_KEYS.filter((key) => isObject(report[key]));
  if (usages.length > 0) {
    const kept = [...models, ...usages].map((key) => [key, report[key]]);
    return { usage: Object.fromEntries(kept), model };
  }
  const { meta } = report;
  if (isObject(meta) && isObject(meta['billed_units'])) {
    return { usage: { meta: { billed_units: meta['billed_units'] } }, model };
  }
  for (const envelope of ENVELOPES) {
    const inner = report[envelope];
    const found = isObject(inner) ? usageIn(inner) : undefined;
    if (found) return { usage: { [envelope]: found.usage }, model: found.model };
  }
  const isBare = Object.keys(report).some(
    (name) => /token/i.test(name) && typeof report[name] === 'number',
  );
  return isBare ? { usage: numbersOf(report), model } : undefined;
}

/** Numbers, and numbers below: all that a usage object by itself is for. */
function numbersOf(report: Record<string, unknown>): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(report)) {
    if (typeof value === 'number') kept[name] = value;
    else if (isObject(value)) kept[name] = numbersOf(value);
  }
  return kept;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
