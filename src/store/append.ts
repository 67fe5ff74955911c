import type { AnnotationEntry, DeniedEntry, PolicyEntry, ThresholdEntry } from '../model/entry.js';
import type { Connection } from '../redis/connection.js';
import { formatEntry } from './entry.js';
import { ledgerKey } from './keys.js';

/** Entries in one script: it takes under a millisecond, and Redis does nothing else meanwhile. */
export const MAX_AT_ONCE = 100;

type Unstamped<T> = T extends unknown ? Omit<T, 'id' | 'atMs'> : never;

/** An entry that is written by itself, before Redis has given it its id. */
export type NewEntry = Unstamped<AnnotationEntry | DeniedEntry | PolicyEntry | ThresholdEntry>;

/**
 * Appends entries to the ledger of a domain: all or none.
 * @param maxEntries the most entries of the ledger: past it the oldest go
 * @param entries at most MAX_AT_ONCE
 * @returns the Redis clock, in microseconds
 */
export async function appendEntries(
  connection: Connection,
  domain: string,
  maxEntries: number,
  entries: readonly NewEntry[],
): Promise<{ nowUs: number }> {
  if (entries.length > MAX_AT_ONCE) throw new Error(`${entries.length} entries for one script`);
  const args: (string | number)[] = [maxEntries];
  for (const entry of entries) {
    // Redis gives the id; no field of these is made from it.
    const fields = Object.entries(formatEntry({ ...entry, id: '', atMs: 0 })).flat();
    args.push(fields.length, ...fields);
  }
  const [nowUs] = await connection.run('append', [ledgerKey(domain)], args);
  return { nowUs: Number(nowUs) };
}
