import { compareIds } from '../model/entry.js';
import type { Connection } from '../redis/connection.js';
import { type RawEntry, rawEntriesOf } from './flat.js';
import { BEGINNING, type FoldState } from './fold-state.js';
import { ledgerKey } from './keys.js';

/** What comes next of a ledger. */
export interface Unfolded {
  readonly entries: readonly RawEntry[];
  /** Entries that the stream has lost between what is folded and the first of these. */
  readonly lost: number;
  /** There are more behind these. */
  readonly more: boolean;
}

/**
 * Reads the entries after what is folded.
 * @returns undefined if the stream was trimmed while it was read: to be read again
 */
export async function readUnfolded(
  connection: Connection,
  domain: string,
  state: FoldState,
  count: number,
): Promise<Unfolded | undefined> {
  const key = ledgerKey(domain);
  // In this order, and sent together: what the stream has lost is known as of before the batch.
  const [info, entries] = await Promise.all([
    readInfo(connection, key),
    readRange(connection, key, state.position, count),
  ]);
  const more = entries.length === count;
  if (!info) return { entries, lost: 0, more };
  // The oldest goes first: while one is there that is folded, none after it is gone.
  if (info.firstId !== undefined && compareIds(info.firstId, state.position) <= 0) {
    return { entries, lost: 0, more };
  }
  // Else all that the stream has is after what is folded, so the rest of what was ever added is lost.
  if (info.firstId !== entries[0]?.id && info.firstId !== undefined) return undefined;
  const known = state.folded + state.lost + info.length;
  return { entries, lost: Math.max(0, info.added - known), more };
}

/** Reads entries after an id. */
export async function readRange(
  connection: Connection,
  key: string,
  after: string,
  count: number,
): Promise<RawEntry[]> {
  const from = after === BEGINNING ? '-' : `(${after}`;
  return rawEntriesOf(await connection.command('XRANGE', key, from, '+', 'COUNT', count));
}

/** @returns undefined if there is no stream, or the engine does not count what was added */
async function readInfo(
  connection: Connection,
  key: string,
): Promise<{ length: number; added: number; firstId: string | undefined } | undefined> {
  let flat: unknown[];
  try {
    flat = (await connection.command('XINFO', 'STREAM', key)) as unknown[];
  } catch (error) {
    if (String(error).includes('no such key')) return undefined;
    throw error;
  }
  const value = (name: string) => flat[flat.indexOf(name) + 1];
  if (!flat.includes('entries-added')) return undefined;
  const first = value('first-entry') as [string, unknown] | null;
  return {
    length: Number(value('length')),
    added: Number(value('entries-added')),
    firstId: first?.[0],
  };
}
