import { nanoFromUsd } from '../model/money.js';
import type { Settlement } from '../model/settlement.js';
import type { Recalled, Used } from '../store/settlement.js';

export function settledAmounts(
  settlement: Settlement,
  _recalled: Recalled | undefined,
  _policy: unknown,
): Used | undefined {
  const { costUsd, tokensIn, tokensOut } = settlement;
  return {
    costNano: costUsd === undefined ? undefined : nanoFromUsd(costUsd),
    costSource: costUsd === undefined ? 'held' : 'caller',
    tokensIn,
    tokensOut,
  };
}
