import { type Amounts, NOTHING } from '../model/amounts.js';
import type { Settlement } from '../model/settlement.js';
import type { PriceBook } from '../pricing/book.js';
import { settledAmounts, type Told, tellsTokens } from '../pricing/settled.js';
import { readUsage } from '../pricing/usage.js';
import type { Used } from '../store/settlement.js';

/** What an agent has reported of a call, with what its provider says in its stead. */
export interface Reported extends Told {
  /** The model that answered, else the one that was asked; '' if neither is known. */
  readonly model: string;
  readonly provider: string;
  /** Why the provider's usage object could not be read; '' if it could, or there was none. */
  readonly problem: string;
}

type Input = Pick<
  Reported,
  'tokensIn' | 'cachedTokensIn' | 'cacheWriteTokensIn' | 'cacheWrite1hTokensIn'
>;

function saysInput({ tokensIn, cachedTokensIn, cacheWriteTokensIn }: Partial<Input>): boolean {
  return (tokensIn ?? cachedTokensIn ?? cacheWriteTokensIn) !== undefined;
}

function inputOf(of: Partial<Input> | undefined): Input {
  return {
    tokensIn: of?.tokensIn,
    cachedTokensIn: of?.cachedTokensIn,
    cacheWriteTokensIn: of?.cacheWriteTokensIn,
    cacheWrite1hTokensIn: of?.cacheWrite1hTokensIn,
  };
}

/**
 * Puts together what the settlement says: counts that are given by name come before the usage object, the
 * input's all together, since the cached tokens of one are no part of the other.
 */
export function reportedBy(settlement: Settlement): Reported {
  const { usageJson, call } = settlement;
  const provider = settlement.provider || call?.provider || '';
  const asked = settlement.model || call?.model || '';
  const read = usageJson === '' ? undefined : readUsage(usageJson, provider, asked);
  const usage = read && !('problem' in read) ? read : undefined;
  return {
    ...(saysInput(settlement) ? inputOf(settlement) : inputOf(usage)),
    tokensOut: settlement.tokensOut ?? usage?.tokensOut,
    costUsd: settlement.costUsd,
    model: settlement.model || usage?.model || call?.model || '',
    provider,
    problem: read && 'problem' in read ? read.problem : '',
  };
}

/** What is known of the call, for what the settlement does not say. */
export interface Known {
  readonly held: Amounts;
  readonly model: string;
  readonly provider: string;
}

/**
 * What the call has used, priced.
 * @param recalled undefined before Redis was asked
 * @returns undefined if Redis must be asked first: the model or a part of the tokens is missing
 */
export function usedBy(
  reported: Reported,
  recalled: Known | undefined,
  book: PriceBook,
  atMs: number,
): Used | undefined {
  const { tokensIn, tokensOut, costUsd } = reported;
  const complete = tokensIn !== undefined && tokensOut !== undefined && reported.model !== '';
  const needsPrice = tellsTokens(reported) && costUsd === undefined;
  if (needsPrice && !complete && !recalled) return undefined;
  const model = reported.model || recalled?.model || '';
  const provider = reported.provider || recalled?.provider || '';
  const held = recalled?.held ?? NOTHING;
  const amounts = settledAmounts(reported, model, provider, held, book, atMs);
  return {
    costNano: amounts.costSource === 'held' ? undefined : amounts.costNano,
    costSource: amounts.costSource,
    // Of the input, parts alone say nothing until it is known what was held.
    tokensIn:
      tokensIn !== undefined || (recalled && saysInput(reported)) ? amounts.tokensIn : undefined,
    tokensOut: tokensOut === undefined ? undefined : amounts.tokensOut,
  };
}
