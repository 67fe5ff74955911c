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

/** How a ledger is summed up from now on. */
export interface FoldedBy {
  readonly zones: readonly Zone[];
  readonly labels: readonly string[];
  /** What the fold is to remember of it. */
  readonly kept: Pick<FoldState, 'zones' | 'labels'> | undefined;
}

/** @param lastMs when the last entry was written that is folded by then */
export async function foldedBy(
  connection: Connection,
  state: FoldState,
  { labels, timezone, days, keeps }: FoldOptions,
  lastMs: number,
): Promise<FoldedBy> {
  const zones = state.zones.length === 0 ? [{ timezone, fromMs: 0 }] : state.zones;
  if (!keeps) {
    const by = { zones, labels: state.labels ?? labels };
    // What others have summed up before, of a version that remembered nothing of it, is not known to be by these.
    return { ...by, kept: state.commit === '' ? by : undefined };
  }
  if (zones.at(-1)?.timezone === timezone) return keptBy(zones, labels);
  const nowMs = await redisMs(connection);
  const afterMs = Math.max(nowMs, lastMs);
  return keptBy(moveTo(zones, timezone, days, afterMs, nowMs - KEEP_MS.day), labels);
}

function keptBy(zones: readonly Zone[], labels: readonly string[]): FoldedBy {
  return { zones, labels, kept: { zones, labels } };
}

/**
 * Has a domain moved so often that it cannot move to the timezone of a policy? Its days stay as they are, until rows
 * of before are forgotten.
 */
export function staysAsIs(
  { zones }: Pick<FoldState, 'zones'>,
  { timezone, days }: FoldOptions,
  nowMs: number,
): boolean {
  const moved = moveTo(zones, timezone, days, nowMs, nowMs - KEEP_MS.day);
  return zones.length > 0 && moved.at(-1)?.timezone !== timezone;
}

/** How entries are summed up by that. */
export function sumOptions(
  { zones, labels }: Pick<FoldedBy, 'zones' | 'labels'>,
  { days }: FoldOptions,
): SumOptions {
  return {
    labels,
    startOf: (grain, atMs) => days.startOf(grain, atMs, timezoneAt(zones, atMs)),
  };
}
