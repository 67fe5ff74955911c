import { compareIds, msOf } from '../model/entry.js';
import { isBetween, isIn } from '../model/id-ranges.js';
import type { Connection } from '../redis/connection.js';
import { redisMs } from '../redis/time.js';
import type { FoldState } from './fold-state.js';
import { firstEntryId, hasEntry } from './ledger-end.js';

/** Of an entry: what has another comes from no ledger, and could not be put in order. */
const ID = /^\d{1,15}-\d{1,15}$/;

/** What is known of some entries. */
export interface Lacking {
  /** The spend of the domain lacks them. */
  readonly lacked: ReadonlySet<string>;
  /** Nobody knows: the ledger has them no more, or was restored while nobody looked, and never had them. */
  readonly unsure: number;
}

/**
 * Which of some entries the spend of a domain lacks: they were not imported, and its own ledger has not had
 * them. So what comes before the ledger can be imported, and what Redis has lost out of the middle of it, by a
 * restore from an older snapshot. It holds as long as nothing is folded after the state.
 */
export async function lackedBy(
  connection: Connection,
  domain: string,
  { sinceMs = 0, position, importedRanges, gaps }: FoldState,
  ids: readonly string[],
): Promise<Lacking> {
  const nowMs = await redisMs(connection);
  const news = ids.filter((id) => ID.test(id) && msOf(id) < nowMs && !isIn(importedRanges, id));
  const oldest = await firstEntryId(connection, domain);
  // No ledger is ever added to but at its end, so what is older than the oldest is not there.
  const had = await Promise.all(
    news.map((id) => !isBefore(id, oldest) && hasEntry(connection, domain, id)),
  );
  // Again, since trimming goes on meanwhile: what was not there, and is newer, was not trimmed.
  const first = await firstEntryId(connection, domain);
  const [lacked, others] = [new Set<string>(), new Set<string>()];
  for (const [i, id] of news.entries()) {
    if (had[i]) continue;
    const never = msOf(id) < sinceMs || compareIds(position, id) < 0 || !isBefore(id, first);
    (never || isBetween(gaps, id) ? lacked : others).add(id);
  }
  // Where a restore was seen, all that it has lost is known.
  return { lacked, unsure: gaps.length > 0 ? 0 : others.size };
}

/** @param oldest of the ledger; undefined if it is empty: all is older than what comes */
function isBefore(id: string, oldest: string | undefined): boolean {
  return oldest === undefined || compareIds(id, oldest) < 0;
}
