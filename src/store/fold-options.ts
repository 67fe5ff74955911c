import type { Connection } from '../redis/connection.js';
import { redisMs } from '../redis/time.js';
import type { SumOptions } from './batch.js';
import type { FoldState } from './fold-state.js';
import { KEEP_MS } from './rows.js';
import { type Days, moveTo, timezoneAt, type Zone } from './zones.js';

/** How somebody wants a ledger to be summed up. */
export interface FoldOptions {
  readonly labels: readonly string[];
  readonly timezone: string;
  readonly days: Pick<Days, 'startOf'>;
  /**
   * It is a keeper who folds: it keeps a domain over that is summed up otherwise, and other keepers leave the work to
   * it. A command, which may have another policy or none, goes on as the domain is.
   */
  readonly keeps: boolean;
}

/** How a ledger is summed up from now on: what the fold remembers of it. */
export interface FoldedBy {
  readonly zones: readonly Zone[];
  readonly labels: readonly string[];
}

/** @param lastMs when the last entry was written that is folded by then */
export async function foldedBy(
  connection: Connection,
  state: FoldState,
  { labels, timezone, days, keeps }: FoldOptions,
  lastMs: number,
): Promise<FoldedBy> {
  const zones = state.zones.length === 0 ? [{ timezone, fromMs: 0 }] : state.zones;
  if (!keeps) return { zones, labels: state.labels ?? labels };
  if (zones.at(-1)?.timezone === timezone) return { zones, labels };
  const nowMs = await redisMs(connection);
  const afterMs = Math.max(nowMs, lastMs);
  return { zones: moveTo(zones, timezone, days, afterMs, nowMs - KEEP_MS.day), labels };
}

/** How entries are summed up by that. */
export function sumOptions({ zones, labels }: FoldedBy, { days }: FoldOptions): SumOptions {
  return {
    labels,
    startOf: (grain, atMs) => days.startOf(grain, atMs, timezoneAt(zones, atMs)),
  };
}
