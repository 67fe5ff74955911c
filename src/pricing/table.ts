import { type ConditionalPrice, calcPrice, type ModelPrice } from '@pydantic/genai-prices';
import { type Price, parseRate, type Rates } from './price.js';
import { spellingsOf } from './spelling.js';

/**
 * The built-in table of prices. It comes with the package and never from the network, so it knows the
 * price changes that were announced when it was released, and none that came later.
 */
export const PRICE_TABLE = {
  name: 'genai-prices',
  version: '0.1.8',
  /** When this version was released. */
  date: '2026-09-23',
} as const;

const DAY_MS = 86_400_000;

/** A model's price in the table. */
export interface TablePrice {
  readonly price: Price;
  /** Where the table has it: "openai/gpt-4o". */
  readonly entry: string;
  /** Since when it counts, ms since the Unix epoch; undefined if the table does not say. */
  readonly sinceMs: number | undefined;
  /** The next moment at which it may be another one. */
  readonly untilMs: number;
}

/**
 * The price of a model by its name and provider as callers write them. The provider may be '' or one that
 * nobody knows: then the model alone decides. A model that the table prices by other things than tokens
 * (pages, hours of audio) has no price; one that it lists without any price is free.
 */
export function tablePrice(model: string, provider: string, atMs: number): TablePrice | undefined {
  const timestamp = new Date(atMs);
  for (const spelling of spellingsOf(model, provider)) {
    const { model: name, ...of } = spelling;
    const found = calcPrice({}, name, { ...of, timestamp });
    if (!found) continue;
    const price = priceFrom(found.model_price);
    if (!price) return undefined;
    const dated = Array.isArray(found.model.prices) ? found.model.prices : [];
    const starts = dated.flatMap(({ constraint }) =>
      constraint?.type === 'start_date' ? [Date.parse(constraint.start_date)] : [],
    );
    const started = starts.filter((startMs) => startMs <= atMs);
    return {
      price,
      entry: `${found.provider.id}/${found.model.id}`,
      sinceMs: started.length > 0 ? Math.max(...started) : undefined,
      untilMs: Math.min(
        ...starts.filter((startMs) => startMs > atMs),
        ...dated.flatMap(({ constraint }) => turnsOf(constraint, atMs)),
        Number.POSITIVE_INFINITY,
      ),
    };
  }
  return undefined;
}

/** When a price that depends on the time of day comes and goes next. */
function turnsOf(constraint: ConditionalPrice['constraint'], atMs: number): number[] {
  if (constraint?.type !== 'time_of_date') return [];
  return [constraint.start_time, constraint.end_time].map((time) => {
    const sinceMs = (atMs - Date.parse(`1970-01-01T${time}`)) % DAY_MS;
    return atMs - sinceMs + (sinceMs < 0 ? 0 : DAY_MS);
  });
}

/** A model's entry as exact decimals, each by the shortest text of its double. */
function priceFrom(model: ModelPrice): Price | undefined {
  const listed = Object.keys(model).length > 0;
  if (listed && model['input_mtok'] === undefined && model['output_mtok'] === undefined) {
    return undefined;
  }
  const starts = Object.values(model).flatMap((rate) =>
    typeof rate === 'object' ? rate.tiers.map(({ start }) => start) : [],
  );
  const ascending = [...new Set(starts)].toSorted((a, b) => a - b);
  return {
    base: ratesFrom(model, 0),
    tiers: ascending.map((start) => ({
      overTokensIn: start,
      // The least input that is over it.
      rates: ratesFrom(model, start + 1),
    })),
  };
}

function ratesFrom(model: ModelPrice, tokensIn: number): Rates {
  const rate = (key: string): bigint | undefined => {
    const listed = model[key];
    if (listed === undefined) return undefined;
    if (typeof listed === 'number') return rateOf(listed);
    const tier = listed.tiers.findLast(({ start }) => tokensIn > start);
    return rateOf(tier?.price ?? listed.base);
  };
  // Tokens without a price of their own are priced as what they are a kind of.
  const input = rate('input_mtok') ?? 0n;
  const cacheWrite = rate('cache_write_mtok') ?? input;
  return {
    input,
    output: rate('output_mtok') ?? 0n,
    cachedInput: rate('cache_read_mtok') ?? input,
    cacheWrite,
    cacheWrite1h: rate('cache_write_1h_mtok') ?? cacheWrite,
    // The table has it per thousand.
    request: (rate('requests_kcount') ?? 0n) * 1_000n,
  };
}

/** A double of the table as the decimal that it was written as. */
function rateOf(usdPerMillion: number): bigint {
  const rate = parseRate(plainDecimal(usdPerMillion));
  if (rate === undefined) throw new Error(`${usdPerMillion} is no price`);
  return rate;
}

/** The shortest text that gives the double back, without an exponent. */
export function plainDecimal(value: number): string {
  const parts = /^(\d+)(?:\.(\d+))?e([+-]\d+)$/.exec(String(value));
  if (!parts) return String(value);
  const [, whole = '', fraction = '', exponent = ''] = parts;
  const digits = whole + fraction;
  const point = whole.length + Number(exponent);
  if (point <= 0) return `0.${'0'.repeat(-point)}${digits}`;
  const padded = digits.padEnd(point, '0');
  return point < padded.length ? `${padded.slice(0, point)}.${padded.slice(point)}` : padded;
}
