import {
  extractUsage,
  findProvider,
  type Provider,
  type UsageExtractor,
  type UsageExtractorMapping,
} from '@pydantic/genai-prices';
import { MAX_TOKENS, type Usage } from './price.js';

/** The most that is read: a usage object has hundreds of bytes, a response with its text thousands. */
export const MAX_USAGE_BYTES = 32_768;

/** What a provider says that a call has used. */
export interface ReportedUsage extends Omit<Usage, 'tokensIn'> {
  /** undefined where only the output is told, as by the last event of Anthropic's stream. */
  readonly tokensIn: number | undefined;
  /** The model that answered; undefined if the response does not name it. */
  readonly model: string | undefined;
}

/**
 * Providers whose shapes others speak: OpenAI's chat and responses, Anthropic's messages, Gemini's
 * generateContent, Bedrock's converse, Cohere's chat.
 */
const COMMON_PROVIDERS = ['openai', 'anthropic', 'google', 'aws', 'cohere'] as const;

/** The counts that we price: the shape that explains the most of them is that of the response. */
const COUNTS = [
  'input_tokens',
  'output_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'cache_write_1h_tokens',
] as const;

/** Keys that count tokens, whoever spells them: `prompt_tokens`, `inputTokens`, `promptTokenCount`. */
const COUNT_KEY = /(tokens|token_?count)$/i;

/** A key that may be repeated in a sentence; whoever sent it may have made it up. */
const PLAIN_KEY = /^\w{1,64}$/;

/** Usage objects are nested up to four deep inside a response; what is deeper is not looked at. */
const MAX_DEPTH = 5;

/** Names are bounded as those of a call: no control characters, at most so many bytes. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const NAME = /^[^\u0000-\u001f\u007f-\u009f]+$/;
const MAX_NAME_BYTES = 256;

type Json = Readonly<Record<string, unknown>>;

/**
 * Reads the response of a provider, or the usage object alone, as it came. Its shape is told from the
 * provider and the model, which may be '' or unknown, and from what explains most of it.
 * @param usageJson anything
 * @returns the usage, its counts whole and in bounds; or a sentence that says why there is none
 */
export function readUsage(
  usageJson: string,
  provider: string,
  model: string,
): ReportedUsage | { problem: string } {
  if (Buffer.byteLength(usageJson) > MAX_USAGE_BYTES) {
    return { problem: `is over ${MAX_USAGE_BYTES} bytes` };
  }
  const json = parseObject(usageJson);
  if (!json) return { problem: 'is not a JSON object' };
  const bad = badCount(json, MAX_DEPTH);
  if (bad !== undefined) {
    return { problem: `${bad} must be a whole number from 0 to ${MAX_TOKENS}` };
  }
  // An event of a stream has the response inside; Python spells Gemini's keys in its own way.
  const inner = isObject(json['response']) ? [json['response']] : [];
  const forms = [json, ...inner, camelCased(json, MAX_DEPTH), ...langChainForms(json)];
  let best: ReportedUsage | undefined;
  let explained = 0;
  for (const { maker, extractor } of shapesFor(provider, model)) {
    for (const form of forms) {
      const counts = extractCounts(maker, extractor, form);
      const found = COUNTS.filter((name) => counts?.usage[name] !== undefined).length;
      if (!counts || counts.usage['input_tokens'] === undefined || found <= explained) continue;
      best = usageFrom(counts.usage, counts.model);
      explained = found;
    }
  }
  best ??= outputAlone(json);
  if (!best) return { problem: 'has no token counts of a shape that is known' };
  return Object.values(best).some((count) => typeof count === 'number' && count > MAX_TOKENS)
    ? { problem: `its counts come to more than ${MAX_TOKENS}` }
    : best;
}

function parseObject(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Json {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** The first key whose count is no count. */
function badCount(json: Json, depth: number): string | undefined {
  for (const [key, value] of Object.entries(json)) {
    if (typeof value === 'number' && COUNT_KEY.test(key)) {
      if (!Number.isInteger(value) || value < 0 || value > MAX_TOKENS) {
        return PLAIN_KEY.test(key) ? key : 'a count of tokens';
      }
    } else if (isObject(value) && depth > 0) {
      const bad = badCount(value, depth - 1);
      if (bad !== undefined) return bad;
    }
  }
  return undefined;
}

/** `usage_metadata: { prompt_token_count }` as `usageMetadata: { promptTokenCount }`. */
function camelCased(json: Json, depth: number): Json {
  return Object.fromEntries(
    Object.entries(json).map(([key, value]) => [
      key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      isObject(value) && depth > 0 ? camelCased(value, depth - 1) : value,
    ]),
  );
}

/** LangChain's `usage_metadata`, of a message or alone, as OpenAI's responses have it. */
function langChainForms(json: Json): Json[] {
  const usage = isObject(json['usage_metadata']) ? json['usage_metadata'] : json;
  const { input_tokens, output_tokens, input_token_details: details } = usage;
  if (!isObject(details) && usage === json) return [];
  const cached_tokens = isObject(details) ? details['cache_read'] : undefined;
  return [{ usage: { input_tokens, output_tokens, input_tokens_details: { cached_tokens } } }];
}

function outputAlone(json: Json): ReportedUsage | undefined {
  const usage = isObject(json['usage']) ? json['usage'] : json;
  const { output_tokens: tokensOut, input_tokens: tokensIn } = usage;
  if (typeof tokensOut !== 'number' || tokensIn !== undefined) return undefined;
  return { ...usageFrom({ output_tokens: tokensOut }, null), tokensIn: undefined };
}

/** The shapes to try: those of the provider, else of the model's maker, then those that others speak. */
function shapesFor(
  provider: string,
  model: string,
): { maker: Provider; extractor: UsageExtractor }[] {
  const named = provider === '' ? undefined : findProvider({ providerId: provider });
  const own = named?.extractors
    ? named
    : model === ''
      ? undefined
      : findProvider({ modelId: model });
  const common = COMMON_PROVIDERS.map((providerId) => findProvider({ providerId }));
  return [own, ...common].flatMap((maker) =>
    maker?.extractors ? maker.extractors.map((extractor) => ({ maker, extractor })) : [],
  );
}

/** What one shape says; undefined if the response is not of it. */
function extractCounts(
  maker: Provider,
  { api_flavor, root, mappings }: UsageExtractor,
  form: Json,
): ReturnType<typeof extractUsage> | undefined {
  const keys = (Array.isArray(root) ? root : [root]).filter((key) => typeof key === 'string');
  const rooted = keys.reduce<unknown>((at, key) => (isObject(at) ? at[key] : undefined), form);
  const usage = isObject(rooted) ? rooted : form;
  const has = ({ path }: UsageExtractorMapping) => {
    const first = Array.isArray(path) ? path[0] : path;
    return typeof first === 'string' && Object.hasOwn(usage, first);
  };
  // Most shapes end here: cheaper than to let each of them throw.
  if (!mappings.some(has) || mappings.some((one) => one.required && !has(one))) return undefined;
  // A bare usage object is put where the shape has it.
  const response =
    usage === form ? keys.reduceRight<Json>((value, key) => ({ [key]: value }), form) : form;
  try {
    return extractUsage(maker, response, api_flavor);
  } catch {
    return undefined;
  }
}

function usageFrom(counts: Json, model: string | null): ReportedUsage {
  const count = (name: (typeof COUNTS)[number]) => Number(counts[name] ?? 0);
  return {
    tokensIn: count('input_tokens'),
    tokensOut: count('output_tokens'),
    cachedTokensIn: count('cache_read_tokens'),
    cacheWriteTokensIn: count('cache_write_tokens'),
    cacheWrite1hTokensIn: count('cache_write_1h_tokens'),
    model:
      model !== null && NAME.test(model) && Buffer.byteLength(model) <= MAX_NAME_BYTES
        ? model
        : undefined,
  };
}
