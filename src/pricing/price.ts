import { parseDecimal } from '../model/decimal.js';

/** The most tokens, in or out, that one call is reckoned with. */
export const MAX_TOKENS = 1_000_000_000;

/** The most that one call is reckoned with, in nano-dollars: $1 million. What costs more counts as this. */
export const MAX_CALL_NANO = 1_000_000_000_000_000;

/** The most decimals that a rate is read with: a double that is below 1 has up to 17 digits. */
const RATE_DECIMALS = 24;

/** A discount has at most so many decimals. */
export const DISCOUNT_DECIMALS = 6;
const DISCOUNT_ONE = 10n ** BigInt(DISCOUNT_DECIMALS);

/** A rate is a whole number of 10^-30 USD per million: exact for every rate, discounted or not. */
const RATE_ONE = 10n ** BigInt(RATE_DECIMALS) * DISCOUNT_ONE;

/** Tokens times rate, per nano-dollar: a million tokens, and 10^9 nano-dollars a USD. */
const PER_NANO = RATE_ONE / 1_000n;

/** What a million of each costs: tokens, but for `request`, which each call is one of. */
export interface Rates {
  /** Input tokens that the provider's cache had no part in. */
  readonly input: bigint;
  /** Output tokens, those of reasoning included. */
  readonly output: bigint;
  /** Input tokens read from the provider's cache. */
  readonly cachedInput: bigint;
  /** Input tokens written to the provider's cache. */
  readonly cacheWrite: bigint;
  /** Those of them that are kept for an hour. */
  readonly cacheWrite1h: bigint;
  readonly request: bigint;
}

/** What the tokens of a model cost, at one moment. */
export interface Price {
  readonly base: Rates;
  /** For long inputs, ascending: the last that the input tokens pass prices the whole call. */
  readonly tiers: readonly { readonly overTokensIn: number; readonly rates: Rates }[];
}

/** The tokens of one call, each 0 to {@link MAX_TOKENS}. */
export interface Usage {
  /** All input tokens, those read from and written to the cache included. */
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly cachedTokensIn: number;
  readonly cacheWriteTokensIn: number;
  /** Of cacheWriteTokensIn, those that are kept for an hour. */
  readonly cacheWrite1hTokensIn: number;
}

export const NO_USAGE: Usage = {
  tokensIn: 0,
  tokensOut: 0,
  cachedTokensIn: 0,
  cacheWriteTokensIn: 0,
  cacheWrite1hTokensIn: 0,
};

/**
 * A decimal text of USD per million as a rate, exactly.
 * @returns undefined if it is no plain decimal, or has more than 24 decimals
 */
export function parseRate(digits: string): bigint | undefined {
  const parsed = parseDecimal(digits, RATE_DECIMALS);
  return parsed === undefined ? undefined : parsed * DISCOUNT_ONE;
}

/** A rate as USD per million, without a digit lost: "2.5", "0.0028". */
export function formatRate(rate: bigint): string {
  const fraction = String(rate % RATE_ONE).padStart(String(RATE_ONE).length - 1, '0');
  return `${rate / RATE_ONE}.${fraction}`.replace(/\.?0+$/, '');
}

/** The price with a part taken off, in millionths: 150,000 of them are 15%. */
export function discounted(price: Price, millionths: bigint): Price {
  // Exact: every rate is a multiple of DISCOUNT_ONE.
  const less = (rate: bigint) => (rate / DISCOUNT_ONE) * (DISCOUNT_ONE - millionths);
  const lessAll = (rates: Rates): Rates => ({
    input: less(rates.input),
    output: less(rates.output),
    cachedInput: less(rates.cachedInput),
    cacheWrite: less(rates.cacheWrite),
    cacheWrite1h: less(rates.cacheWrite1h),
    request: less(rates.request),
  });
  return {
    base: lessAll(price.base),
    tiers: price.tiers.map(({ overTokensIn, rates }) => ({ overTokensIn, rates: lessAll(rates) })),
  };
}

/** The rates of a call with so many input tokens. */
export function ratesFor(price: Price, tokensIn: number): Rates {
  return price.tiers.findLast(({ overTokensIn }) => tokensIn > overTokensIn)?.rates ?? price.base;
}

/**
 * The input tokens, where the parts that are said to be in them may come to more: some providers do not
 * count cached tokens as input. At most {@link MAX_TOKENS}.
 */
export function wholeTokensIn(usage: Usage): number {
  const parts = usage.cachedTokensIn + usage.cacheWriteTokensIn;
  return Math.min(Math.max(usage.tokensIn, parts), MAX_TOKENS);
}

/** What the tokens cost, in whole nano-dollars: rounded half up, once; at most {@link MAX_CALL_NANO}. */
export function costNano(price: Price, usage: Usage): number {
  const rates = ratesFor(price, wholeTokensIn(usage));
  return roundNano(inputParts(rates, usage) + BigInt(usage.tokensOut) * rates.output);
}

/**
 * The most output tokens that a call with so many input tokens, none of them cached, may have to cost at
 * most so much: 0 to {@link MAX_TOKENS}; 0 too where not even the input fits.
 */
export function affordableTokensOut(price: Price, tokensIn: number, leftNano: number): number {
  if (leftNano >= MAX_CALL_NANO) return MAX_TOKENS;
  const rates = ratesFor(price, tokensIn);
  // The most parts that are still rounded down to leftNano.
  const most = BigInt(leftNano) * PER_NANO + PER_NANO / 2n - 1n;
  const left = most - inputParts(rates, { ...NO_USAGE, tokensIn });
  if (left < 0n) return 0;
  if (rates.output === 0n) return MAX_TOKENS;
  const tokens = left / rates.output;
  return tokens > BigInt(MAX_TOKENS) ? MAX_TOKENS : Number(tokens);
}

/** What the call costs before its output, in parts of a nano-dollar. */
function inputParts(rates: Rates, usage: Usage): bigint {
  const { cachedTokensIn, cacheWriteTokensIn } = usage;
  const written1h = Math.min(usage.cacheWrite1hTokensIn, cacheWriteTokensIn);
  const plain = Math.max(0, usage.tokensIn - cachedTokensIn - cacheWriteTokensIn);
  const uncached = BigInt(plain) * rates.input + rates.request;
  if (cachedTokensIn === 0 && cacheWriteTokensIn === 0) return uncached;
  return (
    uncached +
    BigInt(cachedTokensIn) * rates.cachedInput +
    BigInt(cacheWriteTokensIn - written1h) * rates.cacheWrite +
    BigInt(written1h) * rates.cacheWrite1h
  );
}

function roundNano(parts: bigint): number {
  const nano = (parts + PER_NANO / 2n) / PER_NANO;
  return nano > BigInt(MAX_CALL_NANO) ? MAX_CALL_NANO : Number(nano);
}
