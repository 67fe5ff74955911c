import { type Entry, msOf } from '../model/entry.js';
import type { Connection } from '../redis/connection.js';
import { monotonicMs } from '../redis/deadline.js';
import { sumUp } from './batch.js';
import { commitBatch, type Folder, newFolder } from './commit.js';
import { parseEntry } from './entry.js';
import type { RawEntry } from './flat.js';
import { type FoldOptions, foldedBy, sumOptions } from './fold-options.js';
import { type FoldState, readFoldState } from './fold-state.js';
import { placeGroups } from './place.js';
import { readUnfolded } from './unfolded.js';
import { findUnused } from './unused.js';
import type { Zone } from './zones.js';

/**
 * Entries in one batch. Redis is busy with a commit for 3 µs for each, so that a decision waits for a
 * millisecond behind it at most; and more of them would fold no faster: 32,000 a second, measured.
 */
export const BATCH = 250;

/** The same for the embedded engine, whose work is that of this process: 10 ms. */
export const EMBEDDED_BATCH = 50;

/** Of an entry that is set aside, as much as tells what is wrong with it. */
const MAX_ASIDE_TEXT = 4_000;

/** What one step has done. */
export type FoldStep =
  /** Somebody else has folded meanwhile: the batch is thrown away, and another may be read. */
  | { readonly step: 'beaten' }
  | {
      readonly step: 'folded';
      readonly entries: number;
      /** Entries that nobody could read, and those that were gone before they were folded. */
      readonly aside: number;
      readonly lost: number;
      /** There are more to be folded. */
      readonly more: boolean;
      /** Some spend was told apart by less than it has, which had not been so for an hour. */
      readonly crowded: boolean;
      /** The domain is summed up by another timezone from a moment on. */
      readonly moved: Zone | undefined;
    };

const NOTHING = { crowded: false, moved: undefined };

/** What goes on is said so often. */
const SAID_MS = 3_600_000;

/** Folds the next entries of a ledger into its spend, if there are any. */
export async function foldBatch(
  connection: Connection,
  domain: string,
  folder: Folder,
  options: FoldOptions,
  count = BATCH,
): Promise<FoldStep> {
  // First, so that what is read after it is of this state, or the commit is refused.
  const state = await readFoldState(connection, domain);
  const unfolded = await readUnfolded(connection, domain, state, count);
  if (!unfolded) return { step: 'beaten' };
  const { entries: raws, lost, more } = unfolded;
  const last = raws.at(-1);
  if (!last && lost === 0) {
    return { step: 'folded', entries: 0, aside: 0, lost: 0, more: false, ...NOTHING };
  }
  const { entries, unread: aside } = readAll(raws);
  const lastMs = last && msOf(last.id);
  const by = await foldedBy(connection, state, options, lastMs ?? 0);
  const batch = sumUp(domain, entries, sumOptions(by, options));
  const placed = await placeGroups(connection, domain, batch.groups, state);
  const unused = await findUnused(connection, domain, state, placed.seen);
  const changes: Partial<FoldState> = {
    freed: state.freed + unused.numbers.length,
    ...(last && { position: last.id }),
    folded: state.folded + raws.length,
    lost: state.lost + lost,
    aside: state.aside + aside.length,
    ...(lost > 0 && { lostMs: msOf(raws[0]?.id ?? state.position) }),
    ...(aside.length > 0 && { asideMs: lastMs }),
    ...(placed.crowded && { crowdedMs: lastMs }),
    sinceMs: state.sinceMs ?? (raws[0] && msOf(raws[0].id)),
    ...placed.counts,
    ...by.kept,
    ...(options.keeps && { keeper: `${folder} ${last?.id}` }),
  };
  const texts = aside.map((raw) => JSON.stringify(raw).slice(0, MAX_ASIDE_TEXT));
  const stored = await commitBatch(connection, domain, folder, state, {
    ...{ changes, batch, placed, unused, aside: texts },
  });
  if (!stored) return { step: 'beaten' };
  return {
    step: 'folded',
    entries: raws.length,
    aside: aside.length,
    lost,
    more,
    crowded: placed.crowded && (lastMs ?? 0) - (state.crowdedMs ?? 0) > SAID_MS,
    moved: by.zones.length > Math.max(1, state.zones.length) ? by.zones.at(-1) : undefined,
  };
}

function readAll(raws: readonly RawEntry[]): { entries: Entry[]; unread: RawEntry[] } {
  const entries: Entry[] = [];
  const unread: RawEntry[] = [];
  for (const raw of raws) {
    const entry = parseEntry(raw.id, raw.fields);
    if (entry) entries.push(entry);
    else unread.push(raw);
  }
  return { entries, unread };
}

/** What folding all that waits has come to. */
export interface Folded {
  readonly entries: number;
  readonly aside: number;
  readonly lost: number;
}

/**
 * Folds all that waits, so that an answer is fresh with no keeper around, or a slow one.
 * @param forMs gives up after so long: what is folded by then is known
 * @param onProgress is told after each batch how many entries were folded
 */
export async function foldPending(
  connection: Connection,
  domain: string,
  options: FoldOptions,
  forMs: number,
  onProgress: (entries: number) => void = () => {},
): Promise<Folded> {
  const folder = newFolder();
  const untilMs = monotonicMs() + forMs;
  let [entries, aside, lost] = [0, 0, 0];
  while (monotonicMs() < untilMs) {
    const step = await foldBatch(connection, domain, folder, options);
    // Whoever was quicker has folded the same entries.
    if (step.step === 'beaten') continue;
    entries += step.entries;
    aside += step.aside;
    lost += step.lost;
    if (!step.more) return { entries, aside, lost };
    onProgress(entries);
  }
  return { entries, aside, lost };
}
