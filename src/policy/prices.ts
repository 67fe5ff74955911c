import { parseDecimal } from '../model/decimal.js';
import { NANO_PER_USD } from '../model/money.js';
import type { ModelPrice, PriceList, ToolPrice } from '../pricing/book.js';
import { DISCOUNT_DECIMALS, MAX_CALL_NANO, type Price, parseRate } from '../pricing/price.js';
import { parseGlobList } from './condition.js';
import { parseGlob } from './glob.js';
import { type ModelPriceFile, modelPriceSchema } from './price-schema.js';
import { type Problems, valueAt } from './problems.js';
import { policySchema } from './schema.js';
import type { Path } from './source.js';

/** What a model without a price is assumed to cost: dear, so that it passes no cap. */
const ASSUMED = { input: '15', output: '75' };

/** USD per million: a dollar a token is more than anything costs. */
const MAX_RATE_USD = 1_000_000;

/** A rate in the file has at most so many decimals: a millionth of a nano-dollar a token. */
const MAX_RATE_DECIMALS = 9;

const MAX_TOOL_USD = MAX_CALL_NANO / NANO_PER_USD;

const RATE_KEYS = [
  'inputUsdPerMillion',
  'outputUsdPerMillion',
  'cachedInputUsdPerMillion',
  'cacheWriteUsdPerMillion',
] as const;

/** What the file says of prices; entries whose shape is good are built even if others are not. */
export function buildPrices(problems: Problems): Omit<PriceList, 'defaultTokensOut'> {
  const { value } = problems.source;
  const entries = valueAt(value, ['prices', 'models']);
  const built = (Array.isArray(entries) ? entries : []).map((raw, index) => {
    const entry = modelPriceSchema.safeParse(raw);
    return entry.success
      ? buildModelPrice(entry.data, ['prices', 'models', index], problems)
      : undefined;
  });
  for (const [index, entry] of built.entries()) {
    const twin = built.findIndex(
      (other) => other?.selector === entry?.selector && other?.fromMs === entry?.fromMs,
    );
    if (entry && twin < index) {
      problems.add(
        ['prices', 'models', index],
        'is for the same models from the same day as another entry',
      );
    }
  }
  const fate = policySchema.shape.unpricedModel.safeParse(valueAt(value, ['unpricedModel']));
  const unpriced = fate.success ? fate.data : undefined;
  return {
    models: built.filter((entry) => entry !== undefined),
    tools: buildTools(valueAt(value, ['prices', 'tools']), problems),
    assumed:
      typeof unpriced === 'object'
        ? buildPrice(unpriced, ['unpricedModel'], problems)
        : flatPrice(parseRate(ASSUMED.input), parseRate(ASSUMED.output)),
    deniesUnpriced: unpriced === 'deny',
  };
}

function buildModelPrice(entry: ModelPriceFile, path: Path, problems: Problems): ModelPrice {
  const models = globsOf(entry.model);
  const providers = entry.provider === undefined ? undefined : globsOf(entry.provider);
  const priced = RATE_KEYS.filter((key) => entry[key] !== undefined);
  if (entry.discount === undefined) {
    for (const key of RATE_KEYS.slice(0, 2)) {
      if (entry[key] === undefined) problems.add(path, `needs ${key}, or a discount`);
    }
  } else {
    for (const key of priced) problems.add([...path, key], 'has no meaning beside a discount');
  }
  return {
    matches: (model, provider) => models.matches(model) && (providers?.matches(provider) ?? true),
    selector: providers ? `${models.text} of ${providers.text}` : models.text,
    fromMs:
      entry.from === undefined ? Number.NEGATIVE_INFINITY : Date.parse(`${entry.from}T00:00:00Z`),
    terms:
      entry.discount === undefined
        ? { price: buildPrice(entry, path, problems) }
        : { discountMillionths: readDiscount([...path, 'discount'], problems) },
  };
}

/** The price whose rates stand below a path. */
function buildPrice(entry: object, path: Path, problems: Problems): Price {
  const rate = (key: (typeof RATE_KEYS)[number]): bigint | undefined => {
    if (!Object.hasOwn(entry, key)) return undefined;
    const digits = problems.source.digitsAt([...path, key]);
    if (parseDecimal(digits, MAX_RATE_DECIMALS) === undefined) {
      problems.add(
        [...path, key],
        `must be a plain decimal in USD with at most ${MAX_RATE_DECIMALS} decimals, such as 0.25`,
      );
    } else if (Number(digits) > MAX_RATE_USD) {
      problems.add([...path, key], `must be at most ${MAX_RATE_USD} USD per million tokens`);
    }
    return parseRate(digits);
  };
  const [input, output, cachedInput, cacheWrite] = RATE_KEYS.map(rate);
  return flatPrice(input, output, cachedInput, cacheWrite);
}

/** A price without tiers; what is cached costs as other input, unless it has a price. */
function flatPrice(input = 0n, output = 0n, cachedInput = input, cacheWrite = input): Price {
  const cacheWrite1h = cacheWrite;
  const base = { input, output, cachedInput, cacheWrite, cacheWrite1h, request: 0n };
  return { base, tiers: [] };
}

function readDiscount(path: Path, problems: Problems): bigint {
  const parsed = parseDecimal(problems.source.digitsAt(path), DISCOUNT_DECIMALS);
  if (parsed !== undefined) return parsed;
  problems.add(
    path,
    `must be a plain decimal with at most ${DISCOUNT_DECIMALS} decimals, such as 0.15`,
  );
  return 0n;
}

function buildTools(tools: unknown, problems: Problems): ToolPrice[] {
  if (!isMap(tools)) return [];
  return Object.entries(tools).flatMap(([pattern, usd]) => {
    const matches = parseGlob(pattern);
    if (typeof matches === 'string') {
      problems.addAtKey(['prices', 'tools'], pattern, `"${pattern}" ${matches}`);
      return [];
    }
    // The schema has said what else is wrong with it.
    if (!(typeof usd === 'number' && usd >= 0)) return [];
    const path: Path = ['prices', 'tools', pattern];
    const nano = parseDecimal(problems.source.digitsAt(path), 9);
    if (nano === undefined) {
      problems.add(path, 'must be a plain decimal in USD with at most 9 decimals, such as 0.01');
    } else if (nano > BigInt(MAX_CALL_NANO)) {
      problems.add(path, `must be at most ${MAX_TOOL_USD} USD`);
    }
    return [{ pattern, matches, costNano: Number(nano ?? 0n) }];
  });
}

/** A glob or a list of them, which the schema has let pass. */
function globsOf(globs: string | string[]): { matches: (value: string) => boolean; text: string } {
  const patterns = Array.isArray(globs) ? globs : [globs];
  const matches = parseGlobList(patterns);
  return { matches: 'problem' in matches ? () => false : matches, text: patterns.join(', ') };
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
