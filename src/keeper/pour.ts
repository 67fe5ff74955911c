import { msOf } from '../model/entry.js';
import type { Connection } from '../redis/connection.js';
import { parseEntry } from '../store/entry.js';
import { BEGINNING, type FoldState } from '../store/fold-state.js';
import { foldKey, ledgerKey } from '../store/keys.js';
import { linesOf } from '../store/ledger-lines.js';
import { readRange } from '../store/unfolded.js';
import type { Sink } from './sink.js';

/** Entries in one write: some 300 kB. */
const BATCH = 500;

/** Writes in one turn, so that a sink that is far behind does not keep the keeper from its other work. */
const MAX_BATCHES = 40;

/** What one turn has written. */
export interface Poured {
  /** There is more to be written. */
  readonly more: boolean;
  /** The last entry that is in the sink. */
  readonly sunk: string;
  /** The oldest entry that is not; undefined if all are. */
  readonly waitingSinceMs: number | undefined;
  /** The ledger has dropped entries that the sink does not have. */
  readonly gap: boolean;
}

/**
 * Writes what a ledger has and the sink has not. How far it is is kept in Redis after each write, so every
 * entry is written at least once; its id tells the second from the first. It does not wait for the sums, nor
 * they for it: a command that sums up has no sink, and a full disk must not make reports stale.
 */
export async function pour(
  connection: Connection,
  domain: string,
  { sunk }: Pick<FoldState, 'sunk'>,
  sink: Sink,
): Promise<Poured> {
  const key = ledgerKey(domain);
  const gap = await hasGap(connection, key, sunk);
  let last = sunk;
  for (let batch = 0; batch < MAX_BATCHES; batch += 1) {
    const raws = await readRange(connection, key, last, BATCH);
    const newest = raws.at(-1);
    if (!newest) break;
    const entries = raws.flatMap(({ id, fields }) => parseEntry(id, fields) ?? []);
    await sink.write(await linesOf(connection, domain, entries));
    last = newest.id;
    await connection.run('sunk', [foldKey(domain)], [last]);
    if (raws.length < BATCH) break;
  }
  const [waiting] = await readRange(connection, key, last, 1);
  const waitingSinceMs = waiting && msOf(waiting.id);
  return { more: waiting !== undefined, sunk: last, waitingSinceMs, gap };
}

/** Trimming leaves the last entry that is in the sink: if it is gone, so may be some after it. */
async function hasGap(connection: Connection, key: string, sunk: string): Promise<boolean> {
  if (sunk === BEGINNING) return false;
  const found = (await connection.command('XRANGE', key, sunk, sunk, 'COUNT', 1)) as unknown[];
  return found.length === 0;
}
