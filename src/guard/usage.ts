import type { Amounts } from '../model/amounts.js';
import type { Settlement } from '../model/settlement.js';
import type { PriceBook } from '../pricing/book.js';
import { settledAmounts } from '../pricing/settled.js';
import { readUsage } from '../pricing/usage.js';
import type { Recalled, Used } from '../store/settlement.js';

const NOTHING: Amounts = { costNano: 0, costSource: 'none', tokensIn: 0, tokensOut: 0 };

/** What an agent has reported of a call, with what its provider says in its stead. */
export interface Reported {
  /** Each count, undefined where nobody says it. */
  readonly tokensIn: number | undefined;
  readonly tokensOut: number | undefined;
  readonly cachedTokensIn: number | undefined;
  readonly cacheWriteTokensIn: number | undefined;
  readonly cacheWrite1hTokensIn: number | undefined;
  readonly costUsd: number | undefined;
  /** The model that answered, else the one that was asked; '' if neither is known. */
  readonly model: string;
  readonly provider: string;
  /** Why the provider's usage object could not be read; '' if it could, or there was none. */
  readonly problem: string;
}

/** Puts together what the settlement says: counts that are given by name come before the usage object. */
export function reportedBy(settlement: Settlement): Reported {
  const { usageJson, call } = settlement;
  const provider = settlement.provider || call?.provider || '';
  const asked = settlement.model || call?.model || '';
  const read = usageJson === '' ? undefined : readUsage(usageJson, provider, asked);
  const usage = read && !('problem' in read) ? read : undefined;
  return {
    tokensIn: settlement.tokensIn ?? usage?.tokensIn,
    tokensOut: settlement.tokensOut ?? usage?.tokensOut,
    cachedTokensIn: settlement.cachedTokensIn ?? usage?.cachedTokensIn,
    cacheWriteTokensIn: settlement.cacheWriteTokensIn ?? usage?.cacheWriteTokensIn,
    cacheWrite1hTokensIn:
      settlement.cacheWriteTokensIn === undefined ? usage?.cacheWrite1hTokensIn : undefined,
    costUsd: settlement.costUsd,
    model: settlement.model || usage?.model || call?.model || '',
    provider,
    problem: read && 'problem' in read ? read.problem : '',
  };
}

/**
 * What the call has used, priced.
 * @param recalled what Redis knows of the call; undefined before it was asked
 * @returns undefined if Redis must be asked first: the model or a part of the tokens is missing
 */
export function usedBy(
  reported: Reported,
  recalled: Recalled | undefined,
  book: PriceBook,
  atMs: number,
): Used | undefined {
  const { tokensIn, tokensOut, costUsd } = reported;
  const told = tokensIn !== undefined || tokensOut !== undefined;
  const complete = tokensIn !== undefined && tokensOut !== undefined && reported.model !== '';
  const needsPrice = told && costUsd === undefined;
  if (needsPrice && !complete && !recalled) return undefined;
  const model = reported.model || recalled?.model || '';
  const provider = reported.provider || recalled?.provider || '';
  const held = recalled?.held ?? NOTHING;
  const amounts = settledAmounts(reported, model, provider, held, book, atMs);
  return {
    costNano: amounts.costSource === 'held' ? undefined : amounts.costNano,
    costSource: amounts.costSource,
    tokensIn: tokensIn === undefined ? undefined : amounts.tokensIn,
    tokensOut: tokensOut === undefined ? undefined : amounts.tokensOut,
  };
}
