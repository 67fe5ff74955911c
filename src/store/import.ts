import { compareIds, type Entry } from '../model/entry.js';
import type { Connection } from '../redis/connection.js';
import { sumUp } from './batch.js';
import { commitBatch, newFolder } from './commit.js';
import { BATCH, msOf } from './fold.js';
import { type FoldOptions, foldedBy, sumOptions } from './fold-options.js';
import { type FoldState, readFoldState } from './fold-state.js';
import { ledgerKey } from './keys.js';
import { placeGroups } from './place.js';
import { NOTHING_UNUSED } from './unused.js';

/** Tries at one batch: each is lost only to a commit of somebody else, and they come once a second. */
const MAX_TRIES = 100;

/** Of an entry: what has another comes from no ledger, and could not be put in order. */
const ID = /^\d{1,15}-\d{1,15}$/;

/** Entries that were imported, and those that were not. */
export interface Imported {
  readonly taken: number;
  /** They are imported already, or not before what this ledger has itself, or make no sense. */
  readonly skipped: number;
}

/**
 * Adds entries of another time to the spend, not to the stream: those after the last that was imported,
 * and before the first that this ledger has itself. So the same file twice, or again after a crash,
 * counts once.
 * @param batch in ascending order of their ids
 */
export async function importEntries(
  connection: Connection,
  domain: string,
  options: FoldOptions,
  batch: readonly Entry[],
): Promise<Imported> {
  const folder = newFolder();
  let taken = 0;
  for (let at = 0; at < batch.length; at += BATCH) {
    const part = batch.slice(at, at + BATCH);
    let took: number | undefined;
    for (let tries = 0; took === undefined && tries < MAX_TRIES; tries += 1) {
      took = await importPart(connection, domain, folder, options, part);
    }
    if (took === undefined) throw new Error(`others fold ${domain} all the time: try again`);
    taken += took;
  }
  return { taken, skipped: batch.length - taken };
}

/** @returns how many entries were taken; undefined if somebody has folded meanwhile */
async function importPart(
  connection: Connection,
  domain: string,
  folder: string,
  options: FoldOptions,
  part: readonly Entry[],
): Promise<number | undefined> {
  const state = await readFoldState(connection, domain);
  const ownMs = await ownSinceMs(connection, domain, state);
  let last = state.imported;
  const news = part.filter((entry) => {
    if (!ID.test(entry.id) || compareIds(entry.id, last) <= 0 || entry.atMs >= ownMs) return false;
    last = entry.id;
    return true;
  });
  const [first] = news;
  if (!first) return 0;
  const by = await foldedBy(connection, state, options, 0);
  const sums = sumUp(domain, news, sumOptions(by, options));
  const { next, freed, importHourMs: hourMs, inImportHour: inHour } = state;
  const placed = await placeGroups(connection, domain, sums.groups, {
    next,
    freed,
    hourMs,
    inHour,
  });
  const changes: Partial<FoldState> = {
    imported: last,
    importedSinceMs: state.importedSinceMs ?? first.atMs,
    next: placed.counts.next,
    importHourMs: placed.counts.hourMs,
    inImportHour: placed.counts.inHour,
    ...by,
  };
  const stored = await commitBatch(connection, domain, folder, state, {
    ...{ changes, batch: sums, placed, unused: NOTHING_UNUSED, aside: [] },
  });
  return stored ? news.length - sums.absurd.length : undefined;
}

/** When this ledger itself begins: nothing from then on can be imported. */
async function ownSinceMs(
  connection: Connection,
  domain: string,
  state: FoldState,
): Promise<number> {
  if (state.sinceMs !== undefined) return state.sinceMs;
  const key = ledgerKey(domain);
  const [first] = (await connection.command('XRANGE', key, '-', '+', 'COUNT', 1)) as [string][];
  if (first) return msOf(first[0]);
  const [seconds] = (await connection.command('TIME', '')) as [string];
  return Number(seconds) * 1000;
}
