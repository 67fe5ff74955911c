import { compareIds, type Entry } from '../model/entry.js';
import { type IdRange, withRange } from '../model/id-ranges.js';
import type { Connection } from '../redis/connection.js';
import { type Batch, keyOf, openedMs, sumUp } from './batch.js';
import { commitBatch, type Folder, newFolder } from './commit.js';
import { BATCH } from './fold.js';
import { type FoldOptions, foldedBy, sumOptions } from './fold-options.js';
import { type FoldState, readFoldState } from './fold-state.js';
import { openKeys } from './keys.js';
import { lackedBy } from './lacking.js';
import { placeGroups } from './place.js';
import { hmget } from './rows.js';
import { NOTHING_UNUSED } from './unused.js';

/** Tries at one batch: each is lost only to a commit of somebody else, and they come once a second. */
const MAX_TRIES = 100;

/** Imports, and parts of one, that leave gaps between them: they are read with every batch that is folded, 40 bytes each. */
const MAX_RANGES = 200;

/** Entries that were imported, and those that were not. */
export interface Imported {
  readonly taken: number;
  /** They are imported already, or this ledger has them itself, or they are of a time to come. */
  readonly skipped: number;
  /** They are older than what this ledger still has: whether they count is not known. */
  readonly unsure: number;
}

/**
 * Takes the next entries of one import, in ascending order of their ids.
 * @param apart ids of those before which some may be that could not be read: they may come with another import
 */
export type TakeEntries = (
  batch: readonly Entry[],
  apart?: ReadonlySet<string>,
) => Promise<Imported>;

/** What is known of an import from one part to the next. */
interface Parts {
  readonly connection: Connection;
  readonly domain: string;
  readonly folder: Folder;
  readonly options: FoldOptions;
  /** The last entry that was looked at. */
  last: string | undefined;
}

/**
 * Adds entries of another time to the spend, not to the stream: those that the spend lacks. What lies between
 * the first and the last that one import has taken is imported with it, but for what it could not read, so the same
 * entries count once, whether they come again after a crash, in another file, or half of them first.
 *
 * It opens no hold: whether a call that the entries leave open was settled later only they who have the later
 * entries know, and an estimate that counts beside its settlement counts twice.
 */
export function openImport(
  connection: Connection,
  domain: string,
  options: FoldOptions,
): TakeEntries {
  const parts: Parts = { connection, domain, folder: newFolder(), options, last: undefined };
  return async (batch, apart = new Set()) => {
    let [taken, unsure] = [0, 0];
    for (let at = 0, end = 0; at < batch.length; at = end) {
      if (apart.has(batch[at]?.id ?? '')) parts.last = undefined;
      end = at + 1;
      while (end < batch.length && end < at + BATCH && !apart.has(batch[end]?.id ?? '')) end += 1;
      const part = await importPart(parts, batch.slice(at, end));
      taken += part.taken;
      unsure += part.unsure;
    }
    return { taken, unsure, skipped: batch.length - taken - unsure };
  };
}

/** How many entries of a part were taken, and of how many it is not known. */
type Took = Pick<Imported, 'taken' | 'unsure'>;

async function importPart(parts: Parts, part: readonly Entry[]): Promise<Took> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const took = await tryPart(parts, part);
    if (took === undefined) continue;
    parts.last = part.at(-1)?.id;
    return took;
  }
  throw new Error(`others fold ${parts.domain} all the time: try again`);
}

/** @returns undefined if somebody has folded meanwhile */
async function tryPart(parts: Parts, part: readonly Entry[]): Promise<Took | undefined> {
  const { connection, domain, folder, options } = parts;
  const state = await readFoldState(connection, domain);
  const ids = part.map(({ id }) => id);
  const { lacked, unsure } = await lackedBy(connection, domain, state, ids);
  const news = part.filter(({ id }) => lacked.has(id));
  const [first, last] = [news[0], news.at(-1)];
  if (!first || !last) return { taken: 0, unsure };
  const range = { from: parts.last ?? part[0]?.id ?? first.id, to: last.id };
  const by = await foldedBy(connection, state, options, 0);
  const summed = sumUp(domain, news, sumOptions(by, options));
  const sums = await withoutHolds(connection, domain, news, summed);
  const { next, freed, importHourMs: hourMs, inImportHour: inHour } = state;
  const counts = { next, freed, hourMs, inHour };
  const placed = await placeGroups(connection, domain, sums.groups, counts);
  const changes: Partial<FoldState> = {
    imported: compareIds(state.imported, last.id) < 0 ? last.id : state.imported,
    importedRanges: rangesWith(state.importedRanges, range),
    importedSinceMs: Math.min(state.importedSinceMs ?? first.atMs, first.atMs),
    next: placed.counts.next,
    importHourMs: placed.counts.hourMs,
    inImportHour: placed.counts.inHour,
    ...by.kept,
  };
  const stored = await commitBatch(connection, domain, folder, state, {
    ...{ changes, batch: sums, placed, unused: NOTHING_UNUSED, aside: [] },
  });
  return stored ? { taken: news.length, unsure } : undefined;
}

function rangesWith(ranges: readonly IdRange[], more: IdRange): IdRange[] {
  const all = withRange(ranges, more);
  if (all.length <= MAX_RANGES) return all;
  throw new Error(
    `${MAX_RANGES} imports with gaps between them are as many as a domain remembers: mend the lines that cannot be read, and name the rest of the files in one command`,
  );
}

/** What is imported opens no hold, and ends only what was held before it: a call id may have come again since. */
async function withoutHolds(
  connection: Connection,
  domain: string,
  entries: readonly Entry[],
  sums: Batch,
): Promise<Batch> {
  const ended = new Map<string, number>();
  for (const entry of entries) {
    if ('facts' in entry && entry.kind !== 'denied' && entry.kind !== 'authorized') {
      ended.set(keyOf(domain, entry.facts), entry.atMs);
    }
  }
  const keys = [...ended.keys()];
  const held = await hmget(connection, openKeys(domain).calls, keys);
  const closed = keys.filter((key, i) => {
    const text = held[i];
    return typeof text === 'string' && openedMs(text) <= (ended.get(key) ?? 0);
  });
  return { ...sums, opened: new Map(), closed: new Set(closed) };
}
