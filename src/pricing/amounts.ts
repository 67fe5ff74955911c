import type { Amounts } from '../model/amounts.js';
import type { Call } from '../model/call.js';
import { nanoFromUsd } from '../model/money.js';

/** What the call asks for. A cost that nobody gave is unknown: checked as 0, and said so. */
export function amountsFor(call: Call): Amounts {
  const { estimatedCostUsd } = call;
  return {
    costNano: estimatedCostUsd === undefined ? 0 : nanoFromUsd(estimatedCostUsd),
    costSource: estimatedCostUsd === undefined ? 'none' : 'caller',
    tokensIn: call.tokensIn,
    tokensOut: call.tokensOut || call.maxTokensOut,
  };
}
