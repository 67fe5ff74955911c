import type { Amounts, CostSource } from '../model/amounts.js';
import type { Call } from '../model/call.js';
import { nanoFromUsd } from '../model/money.js';
import type { PriceBook } from './book.js';
import { costNano, NO_USAGE } from './price.js';

/** English text has about four bytes a token, code and most other languages fewer. */
const BYTES_PER_TOKEN = 3;

/** What a call asks for before it is made. */
export interface Estimate {
  readonly amounts: Amounts;
  /** The policy denies the call: its cost rests on a model that has no price. */
  readonly unpriced: boolean;
}

/**
 * What the call asks for. Its cost is what the caller says; else tokens times the price of the model; else
 * the price of the tool; else it is unknown, and counts as 0.
 *
 * Input tokens are those given, else a third of the input's bytes. Output tokens are those given, else the
 * most that the call may produce; where a model is named, else those seen before, else the policy's
 * default. Nothing is guessed for a final call, which takes its output tokens as they are; nor for a call
 * of a tool that has a price, and that tells no tokens: there the model is only the one that asked.
 * @param seenTokensOut what calls of this agent and model have produced, if that is known
 */
export function estimateFor(
  call: Call,
  book: PriceBook,
  seenTokensOut: number | undefined,
  atMs: number,
): Estimate {
  const { model, tool, estimatedCostUsd } = call;
  const toolNano = tool === '' ? undefined : book.toolNano(tool);
  const tokensIn = call.tokensIn || Math.ceil(call.inputBytes / BYTES_PER_TOKEN);
  const given = call.tokensOut || (call.final ? 0 : call.maxTokensOut);
  const told = tokensIn > 0 || given > 0;
  const usesModel = model !== '' && (told || (!call.final && toolNano === undefined));
  const guess = usesModel && !call.final ? (seenTokensOut ?? book.list.defaultTokensOut) : 0;
  const tokensOut = given || guess;

  const cost = (nano: number, costSource: CostSource, unpriced = false): Estimate => ({
    amounts: { costNano: nano, costSource, tokensIn, tokensOut },
    unpriced,
  });
  if (estimatedCostUsd !== undefined) return cost(nanoFromUsd(estimatedCostUsd), 'caller');
  if (usesModel) {
    const { price, source } = book.priceOf(model, call.provider, atMs);
    const nano = costNano(price, { ...NO_USAGE, tokensIn, tokensOut });
    return cost(nano, source, source === 'assumed' && book.list.deniesUnpriced);
  }
  return toolNano === undefined ? cost(0, 'none') : cost(toolNano, 'tool');
}
