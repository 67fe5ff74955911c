import { compareIds } from '../../model/entry.js';
import type { Connection } from '../../redis/connection.js';
import { readAlertsRead, storeAlertsRead } from '../../store/alerts.js';

/** What happened before anybody has ever looked for alerts is told if it is so young. */
const FIRST_LOOK_MS = 60_000;

/** Entries that were read at once. */
export interface Batch {
  readonly lastId: string;
  /** How much of it is still being told; once it is nothing, nobody needs to read it again. */
  left: number;
}

interface Reading {
  /** Up to here all was told. */
  stored: string;
  readonly batches: Batch[];
}

/** How far the ledger of each domain was read, and how far all of it was told: whoever comes next begins there. */
export class Readings {
  readonly #connection: Connection;
  readonly #domains = new Map<string, Reading>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Up to which entry all was told; where nobody has ever looked, what is no news any more. */
  async toldUpTo(domain: string, nowMs: number): Promise<string> {
    const known = this.#domains.get(domain);
    if (known) return known.stored;
    const never = `${Math.max(0, Math.floor(nowMs - FIRST_LOOK_MS))}-0`;
    const stored = (await readAlertsRead(this.#connection, domain)) ?? never;
    this.#domains.set(domain, { stored, batches: [] });
    return stored;
  }

  /** A batch was read. */
  add(domain: string, batch: Batch): void {
    this.#domains.get(domain)?.batches.push(batch);
  }

  /** Remembers in Redis how far all was told. */
  async store(domain: string): Promise<void> {
    const reading = this.#domains.get(domain);
    let done: string | undefined;
    while (reading?.batches[0]?.left === 0) done = reading.batches.shift()?.lastId;
    if (!reading || done === undefined || compareIds(done, reading.stored) <= 0) return;
    await storeAlertsRead(this.#connection, domain, done);
    reading.stored = done;
  }
}
