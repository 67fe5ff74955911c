import { type Amounts, COST_SOURCES } from '../model/amounts.js';

/** As the scripts have amounts: cost, tokens in, tokens out, source of the cost. */
export function amountNumbers({ costNano, tokensIn, tokensOut, costSource }: Amounts): number[] {
  return [costNano, tokensIn, tokensOut, COST_SOURCES.indexOf(costSource)];
}

/** Reads what {@link amountNumbers} gives, from `at` on. */
export function readAmounts(reply: readonly (number | string)[], at: number): Amounts {
  const [costNano = 0, tokensIn = 0, tokensOut = 0, source = 1] = reply.slice(
    at,
    at + 4,
  ) as number[];
  return { costNano, costSource: COST_SOURCES[source] ?? 'none', tokensIn, tokensOut };
}
