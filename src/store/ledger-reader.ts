import type { Entry } from '../model/entry.js';
import type { Connection } from '../redis/connection.js';
import { parseEntry } from './entry.js';
import { type RawEntry, rawEntriesOf } from './flat.js';
import { ledgerKey } from './keys.js';

/** Entries in one reply: some 300 kB, which keeps Redis for a millisecond. */
const BATCH = 1_000;

/** How often a follower looks. It shares its connection, so it must not block in Redis. */
const FOLLOW_MS = 500;

/** Entries that are looked through for the last few of some kind, before it is said that there are no more. */
const MAX_LOOKED_BACK = 100_000;

export interface ReadOptions {
  /** The first moment, ms since the Unix epoch; or the id of the entry after which to begin. */
  readonly from?: number | string | undefined;
  /** The moment before which to end. */
  readonly toMs?: number | undefined;
  readonly batch?: number;
  /** Goes on with what is written later, until this is aborted. */
  readonly follow?: AbortSignal;
  /** An entry that nobody can read; it is left out. */
  readonly onUnreadable?: (id: string) => void;
}

/** The entries of a domain in their order, some at a time. */
export async function* readLedger(
  connection: Connection,
  domain: string,
  { from, toMs, batch = BATCH, follow, onUnreadable }: ReadOptions = {},
): AsyncGenerator<Entry[]> {
  const key = ledgerKey(domain);
  const end = toMs === undefined ? '+' : `(${toMs}-0`;
  let start = typeof from === 'string' ? `(${from}` : String(from ?? '-');
  for (;;) {
    const found = rawEntriesOf(await connection.command('XRANGE', key, start, end, 'COUNT', batch));
    const last = found.at(-1);
    if (last) {
      start = `(${last.id}`;
      yield parseAll(found, onUnreadable);
    }
    if (found.length === batch) continue;
    if (!follow) return;
    await wait(FOLLOW_MS, follow);
    if (follow.aborted) return;
  }
}

/** The id of the newest entry; undefined if there is none. */
export async function newestId(
  connection: Connection,
  domain: string,
): Promise<string | undefined> {
  const key = ledgerKey(domain);
  const found = await connection.command('XREVRANGE', key, '+', '-', 'COUNT', 1);
  return rawEntriesOf(found)[0]?.id;
}

/** The last entries that `keep` takes, ascending; at most `count`. */
export async function lastEntries(
  connection: Connection,
  domain: string,
  count: number,
  keep: (entry: Entry) => boolean,
  onUnreadable?: (id: string) => void,
): Promise<{ entries: Entry[]; lastId: string | undefined; all: boolean }> {
  const key = ledgerKey(domain);
  const kept: Entry[] = [];
  let start = '+';
  let lastId: string | undefined;
  for (let looked = 0; looked < MAX_LOOKED_BACK; looked += BATCH) {
    const found = rawEntriesOf(
      await connection.command('XREVRANGE', key, start, '-', 'COUNT', BATCH),
    );
    lastId ??= found[0]?.id;
    for (const entry of parseAll(found, onUnreadable)) {
      if (kept.length < count && keep(entry)) kept.push(entry);
    }
    const oldest = found.at(-1);
    const all = found.length < BATCH || kept.length === count;
    if (all || !oldest) return { entries: kept.reverse(), lastId, all: true };
    start = `(${oldest.id}`;
  }
  return { entries: kept.reverse(), lastId, all: false };
}

function parseAll(raws: readonly RawEntry[], onUnreadable?: (id: string) => void): Entry[] {
  const entries: Entry[] = [];
  for (const { id, fields } of raws) {
    const entry = parseEntry(id, fields);
    if (entry) entries.push(entry);
    else onUnreadable?.(id);
  }
  return entries;
}

/** Some time, or less if it is aborted. */
function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}
