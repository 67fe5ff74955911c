import { compareIds, type Entry } from '../model/entry.js';
import type { Connection } from '../redis/connection.js';
import { KIND_LETTERS, parseEntry } from '../store/entry.js';
import type { RawEntry } from '../store/flat.js';
import { ledgerKey } from '../store/keys.js';
import { readRange } from '../store/unfolded.js';

/** Soon enough to tell somebody within two seconds, and four small commands a second. */
export const WATCH_MS = 250;

/** Entries in one reply: some 150 kB. */
const BATCH = 500;

/** Replies in one look at one ledger, so that a busy domain does not keep the others waiting. */
const MAX_BATCHES = 10;

/** How far back a keeper looks when it starts: for whoever asks what has happened just now. */
const LOOK_BACK_MS = 15 * 60_000;

/** What people want to know at once. Most of a ledger is calls, which are passed over unread. */
const WATCHED = ['denied', 'halted', 'resumed', 'granted', 'threshold'] as const;
export type WatchedEntry = Extract<Entry, { kind: (typeof WATCHED)[number] }>;

const LETTERS: ReadonlySet<string> = new Set(WATCHED.map((kind) => KIND_LETTERS[kind]));

/** Entries that came since the look before, and the id of the last that was passed over or is one of them. */
export type OnEntries = (
  domain: string,
  entries: readonly WatchedEntry[],
  lastId: string,
  nowMs: number,
) => void | Promise<void>;

/** Follows the ledgers of the domains, each from a quarter of an hour ago on, or from where somebody has come to. */
export class Watch {
  readonly #connection: Connection;
  readonly #from: (domain: string, nowMs: number) => Promise<string | undefined>;
  readonly #onEntries: OnEntries;
  readonly #reached = new Map<string, string>();

  /** @param from the last entry of a domain that needs not be read again; undefined if none needs */
  constructor(
    connection: Connection,
    from: (domain: string, nowMs: number) => Promise<string | undefined>,
    onEntries: OnEntries,
  ) {
    this.#connection = connection;
    this.#from = from;
    this.#onEntries = onEntries;
  }

  /** Reads what has come, and hands it on. @throws what Redis or the listener throws: the rest comes next time */
  async look(domain: string, nowMs: number): Promise<void> {
    const key = ledgerKey(domain);
    for (let batch = 0; batch < MAX_BATCHES; batch += 1) {
      const after = this.#reached.get(domain) ?? (await this.#begin(domain, nowMs));
      const raws = await readRange(this.#connection, key, after, BATCH);
      const last = raws.at(-1);
      if (!last) return;
      await this.#onEntries(domain, raws.flatMap(watchedIn), last.id, nowMs);
      this.#reached.set(domain, last.id);
      if (raws.length < BATCH) return;
    }
  }

  async #begin(domain: string, nowMs: number): Promise<string> {
    const lately = `${Math.max(1, nowMs - LOOK_BACK_MS)}-0`;
    const from = await this.#from(domain, nowMs);
    return from !== undefined && compareIds(from, lately) < 0 ? from : lately;
  }

  /** Forgets domains that are there no more. */
  keepOnly(domains: ReadonlySet<string>): void {
    for (const domain of this.#reached.keys()) {
      if (!domains.has(domain)) this.#reached.delete(domain);
    }
  }
}

function watchedIn({ id, fields }: RawEntry): WatchedEntry[] {
  if (!LETTERS.has(fields['k'] ?? '')) return [];
  const entry = parseEntry(id, fields);
  return entry ? [entry as WatchedEntry] : [];
}
