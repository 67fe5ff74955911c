import { textOf } from './text.js';

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

/** As in the API, which refuses a whole settlement for more. */
const MAX_TOKENS = 1_000_000_000;
const MAX_COST_USD = 1_000_000;

/** As in the API; a provider's usage has a few hundred bytes. */
const MAX_USAGE_BYTES = 32_768;

/** What is known after a report. */
export interface Read {
  readonly reported: Reported;
  /** Why it, or a part of it, cannot be used; the rest of it counts. '' if all of it can. */
  readonly problem: string;
}

/**
 * Adds a report. Named amounts are merged, a later one over an earlier one; of the providers' own
 * objects the last counts, as a stream's last chunk has the totals. Nothing is summed up. Never throws,
 * whatever it is given: the call has been paid for by then.
 */
export function withReport(reported: Reported, report: unknown): Read {
  try {
    if (!isObject(report)) return { reported, problem: `${textOf(report)} is no usage` };
    if (isPromise(report)) return { reported, problem: 'it is a promise: await it first' };
    return isUsage(report) ? withAmounts(reported, report) : withProviders(reported, report);
  } catch (error) {
    return { reported, problem: textOf(error) };
  }
}

function isUsage(report: object): report is Usage {
  return 'costUsd' in report || COUNTS.some((name) => name in report);
}

function withAmounts(reported: Reported, report: Usage): Read {
  const problems: string[] = [];
  const given: Record<string, unknown> = {};
  for (const name of COUNTS) {
    const count = report[name];
    if (count === undefined) continue;
    if (Number.isSafeInteger(count) && count >= 0 && count <= MAX_TOKENS) given[name] = count;
    else problems.push(`${name}: ${textOf(count)} is no count`);
  }
  const { costUsd, model } = report;
  if (costUsd !== undefined) {
    if (Number.isFinite(costUsd) && costUsd >= 0 && costUsd <= MAX_COST_USD) {
      given['costUsd'] = costUsd;
    } else problems.push(`costUsd: ${textOf(costUsd)} is no cost`);
  }
  if (typeof model === 'string') given['model'] = textOf(model);
  else if (model !== undefined) problems.push(`model: ${textOf(model)} is no name`);
  const { cachedTokensIn, cacheWriteTokensIn, ...others }: Usage = { ...reported.usage, ...given };
  const { tokensIn = Number.POSITIVE_INFINITY } = others;
  const isPart = (cachedTokensIn ?? 0) + (cacheWriteTokensIn ?? 0) <= tokensIn;
  if (!isPart) problems.push('tokensIn does not include the tokens from and to the cache');
  const usage = isPart ? { ...reported.usage, ...given } : others;
  const problem = problems.join('; ');
  // Nothing that can be used is no report.
  return Object.keys(given).length === 0
    ? { reported, problem }
    : { reported: { ...reported, usage }, problem };
}

function withProviders(reported: Reported, report: Record<string, unknown>): Read {
  const found = usageIn(report);
  if (typeof found === 'string') return { reported, problem: found };
  const usageJson = JSON.stringify(found.usage);
  if (Buffer.byteLength(usageJson) > MAX_USAGE_BYTES) {
    return { reported, problem: `a usage of over ${MAX_USAGE_BYTES} bytes is none` };
  }
  const model = found.model === undefined ? {} : { model: textOf(found.model) };
  return { reported: { usage: { ...reported.usage, ...model }, usageJson }, problem: '' };
}

/** Where the providers' responses have their usage, and the name of their model. */
const USAGE_KEYS = [
  'usage',
  'usageMetadata',
  'usage_metadata',
  'usage_info',
  'tokenUsage',
] as const;
const MODEL_KEYS = ['model', 'modelVersion', 'model_version'] as const;
/** Events of streams, and some gateways, have the response in an envelope. */
const ENVELOPES = ['response', 'result'] as const;

/** Enough keys to know an object by in a warning. */
const MOST_KEYS = 10;

interface Found {
  readonly usage: object;
  readonly model: string | undefined;
}

/**
 * The usage, cut out of what a provider sent: what was asked and answered stays in the process.
 * @returns a sentence if there is none
 */
function usageIn(report: Record<string, unknown>): Found | string {
  const models = MODEL_KEYS.filter((key) => typeof report[key] === 'string');
  const model = models[0] && String(report[models[0]]);
  const usages = USAGE_KEYS.filter((key) => isObject(report[key]));
  const promised = usages.find((key) => isPromise(report[key]));
  if (promised) return `its ${promised} is a promise: await it first`;
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
    const found = isObject(inner) ? usageIn(inner) : '';
    if (typeof found === 'object') {
      return { usage: { [envelope]: found.usage }, model: found.model };
    }
  }
  const isBare = Object.keys(report).some(
    (name) => /token/i.test(name) && typeof report[name] === 'number',
  );
  if (isBare) return { usage: numbersOf(report), model };
  const keys = Object.keys(report).slice(0, MOST_KEYS).join(', ');
  return `an object of ${keys || 'nothing'} has no usage in it`;
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

function isPromise(value: unknown): boolean {
  return isObject(value) && typeof value['then'] === 'function';
}
