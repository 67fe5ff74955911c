import type { Amounts, CostSource } from '../model/amounts.js';
import type { Call } from '../model/call.js';
import type { Facts } from '../model/entry.js';
import { usdFromNano } from '../model/money.js';
import type { PriceBook } from '../pricing/book.js';
import { type Estimate, estimateFor } from '../pricing/estimate.js';
import { costNano, NO_USAGE, type Price, type Rates, ratesFor } from '../pricing/price.js';

/** Costs that are tokens times a price, and so may be others under another policy. */
const PRICED: ReadonlySet<CostSource> = new Set(['table', 'policy', 'assumed']);

/** A call as an agent asked for it, made again from what the ledger keeps of it. */
export function callFrom(facts: Facts, asked: Amounts, callId: string): Call {
  const { costNano: nano, costSource, tokensIn, tokensOut } = asked;
  const told = costSource === 'caller' || costSource === 'held';
  return {
    ...facts,
    callId,
    // Run, root and depth are in the facts, as the lineage gave them.
    parent: '',
    tokensIn,
    tokensOut,
    maxTokensOut: 0,
    inputBytes: 0,
    estimatedCostUsd: told ? usdFromNano(nano) : undefined,
    final: false,
  };
}

/**
 * What the call asks for under another policy: the cost that its caller gave, else its tokens or its tool at
 * that policy's price of the day.
 */
export function estimateAgain(
  call: Call,
  asked: Amounts,
  book: PriceBook,
  final: boolean,
  atMs: number,
): Estimate {
  // Tokens that were guessed then are no better guessed now; where none were, they may have to be.
  const seen = PRICED.has(asked.costSource) ? asked.tokensOut : undefined;
  return estimateFor({ ...call, final }, book, seen, atMs);
}

/**
 * What a call has used under another policy. A cost that was given stays. One that was priced is priced
 * again: where the price of the call has changed, in proportion to it, since the ledger does not keep how
 * many tokens came from a cache.
 */
export function settledAgain(
  facts: Facts,
  settled: Amounts,
  held: { readonly was: Amounts; readonly now: Amounts; readonly model: string } | undefined,
  book: PriceBook,
  atMs: number,
): Amounts {
  const { costSource, tokensIn, tokensOut } = settled;
  if (costSource === 'held' && held) return { ...settled, costNano: held.now.costNano };
  if (costSource === 'tool') {
    return { ...settled, costNano: book.toolNano(facts.tool) ?? settled.costNano };
  }
  if (!PRICED.has(costSource) || facts.model === '') return settled;
  const { price, source } = book.priceOf(facts.model, facts.provider, atMs);
  const sameModel = held && held.model === facts.model && PRICED.has(held.was.costSource);
  if (sameModel && held.was.costNano > 0) {
    const nano = proportion(settled.costNano, held.now.costNano, held.was.costNano);
    return { ...settled, costNano: nano, costSource: source };
  }
  if (couldCost(price, settled)) return settled;
  const nano = costNano(price, { ...NO_USAGE, tokensIn, tokensOut });
  return { ...settled, costNano: nano, costSource: source };
}

/** `nano` times now over was, rounded half up: a product of two costs is past what a double holds. */
function proportion(nano: number, now: number, was: number): number {
  if (now === was) return nano;
  const product = BigInt(nano) * BigInt(now);
  return Number((2n * product + BigInt(was)) / (2n * BigInt(was)));
}

/** Is it what so many tokens cost at this price, however many of them were cached? */
function couldCost(price: Price, { costNano: nano, tokensIn, tokensOut }: Amounts): boolean {
  const rates = ratesFor(price, tokensIn);
  const { input, cachedInput, cacheWrite, cacheWrite1h } = rates;
  const inputs = [input, cachedInput, cacheWrite, cacheWrite1h];
  const at = (rate: bigint) => {
    const flat: Rates = { ...rates, input: rate };
    return costNano({ base: flat, tiers: [] }, { ...NO_USAGE, tokensIn, tokensOut });
  };
  const costs = inputs.map(at);
  return nano >= Math.min(...costs) && nano <= Math.max(...costs);
}
