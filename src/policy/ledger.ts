import type { FoldOptions } from '../store/batch.js';
import { dayStartMs, hourStartMs } from './days.js';
import type { Policy } from './policy.js';

/** How a policy wants its ledger summed up. */
export function foldOptionsOf({ ledger, timezone }: Policy): FoldOptions {
  return {
    labels: ledger.labels,
    startOf: (grain, atMs) =>
      grain === 'hour' ? hourStartMs(timezone, atMs) : dayStartMs(timezone, atMs),
  };
}
