import assert from 'node:assert/strict';
import { parsePolicy } from '../../src/policy/parse.js';
import { createPriceBook, type PriceBook } from '../../src/pricing/book.js';
import { type Price, parseRate } from '../../src/pricing/price.js';

/** The book of a policy without rules that says this of prices. */
export function bookOf(text = ''): PriceBook {
  const policy = parsePolicy(`rules: []\n${text}`);
  if ('errors' in policy) assert.fail(JSON.stringify(policy.errors));
  return policy.prices;
}

/** A price without tiers, in USD per million. */
export function priceOf(
  input: string,
  output: string,
  cachedInput = input,
  cacheWrite = input,
  cacheWrite1h = cacheWrite,
): Price {
  const rate = (digits: string): bigint => {
    const parsed = parseRate(digits);
    assert.ok(parsed !== undefined, digits);
    return parsed;
  };
  return {
    base: {
      input: rate(input),
      output: rate(output),
      cachedInput: rate(cachedInput),
      cacheWrite: rate(cacheWrite),
      cacheWrite1h: rate(cacheWrite1h),
      request: 0n,
    },
    tiers: [],
  };
}

/** A book in which every model costs the same. */
export function flatBook(price: Price): PriceBook {
  return createPriceBook({
    models: [
      {
        matches: () => true,
        selector: '*',
        fromMs: Number.NEGATIVE_INFINITY,
        terms: { price },
      },
    ],
    tools: [],
    assumed: price,
    deniesUnpriced: false,
    defaultTokensOut: 0,
  });
}
