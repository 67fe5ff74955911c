import type { FoldOptions } from '../store/fold-options.js';
import type { Days } from '../store/zones.js';
import { dayStartMs, hourStartMs, sameStartsMs } from './days.js';
import type { Policy } from './policy.js';

/** The days by which ledgers are summed up, and read. */
export const LEDGER_DAYS: Days = Object.freeze({
  startOf: (grain, atMs, timezone) =>
    grain === 'hour' ? hourStartMs(timezone, atMs) : dayStartMs(timezone, atMs),
  same: sameStartsMs,
} satisfies Days);

/** How a policy wants its ledger summed up. @param keeps it is a keeper's */
export function foldOptionsOf({ ledger, timezone }: Policy, keeps: boolean): FoldOptions {
  return { labels: ledger.labels, timezone, days: LEDGER_DAYS, keeps };
}
