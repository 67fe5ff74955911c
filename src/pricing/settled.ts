import type { Amounts } from '../model/amounts.js';
import { nanoFromUsd } from '../model/money.js';
import type { PriceBook } from './book.js';
import { costNano, wholeTokensIn } from './price.js';

/** What a settlement says that a call has used; undefined where it says nothing. Bounds as a call's. */
export interface Told {
  readonly tokensIn: number | undefined;
  readonly tokensOut: number | undefined;
  readonly cachedTokensIn: number | undefined;
  readonly cacheWriteTokensIn: number | undefined;
  readonly cacheWrite1hTokensIn: number | undefined;
  readonly costUsd: number | undefined;
}

/** Does it say anything of tokens? */
export function tellsTokens(told: Told): boolean {
  const { tokensIn, tokensOut, cachedTokensIn, cacheWriteTokensIn, cacheWrite1hTokensIn } = told;
  const counts = [tokensIn, tokensOut, cachedTokensIn, cacheWriteTokensIn, cacheWrite1hTokensIn];
  return counts.some((count) => count !== undefined);
}

/**
 * What a call has really told. A given cost is believed. Else tokens that are given cost what the model
 * costs, the assumed price if it has none (even where the policy denies such calls: this one was made).
 * What is not said stays as it was held.
 * @param model the model that answered, else the one that was authorized; '' if none was named
 */
export function settledAmounts(
  told: Told,
  model: string,
  provider: string,
  held: Amounts,
  book: PriceBook,
  atMs: number,
): Amounts {
  const usage = {
    tokensIn: told.tokensIn ?? held.tokensIn,
    tokensOut: told.tokensOut ?? held.tokensOut,
    cachedTokensIn: told.cachedTokensIn ?? 0,
    cacheWriteTokensIn: told.cacheWriteTokensIn ?? 0,
    cacheWrite1hTokensIn: told.cacheWrite1hTokensIn ?? 0,
  };
  const tokens = { tokensIn: wholeTokensIn(usage), tokensOut: usage.tokensOut };
  if (told.costUsd !== undefined) {
    return { costNano: nanoFromUsd(told.costUsd), costSource: 'caller', ...tokens };
  }
  if (!tellsTokens(told) || model === '')
    return { costNano: held.costNano, costSource: 'held', ...tokens };
  const { price, source } = book.priceOf(model, provider, atMs);
  return { costNano: costNano(price, usage), costSource: source, ...tokens };
}
