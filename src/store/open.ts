import type { Connection } from '../redis/connection.js';
import { redisMs } from '../redis/time.js';
import { foldKey, ledgerKey, openKeys } from './keys.js';

/** Records in one script: it takes Redis half a millisecond at most. */
const PAGE = 50;

/** Pages in one round: a keeper that was away has other work, too. */
const MAX_PAGES = 40;

/** What one round has done. */
export interface RanOut {
  /** Holds that have run out; the ledger has an entry for each. */
  readonly ranOut: number;
  /** Where the next round goes on: holds before it cannot be decided yet. 0 if all were looked at. */
  readonly next: number;
}

/** How a ledger is kept, as far as its open holds ask. */
export interface OpenOptions {
  /** How long the record of a call is kept after its hold has run out, in microseconds. */
  readonly settleForUs: number;
  readonly maxEntries: number;
}

/**
 * Tells the ledger of the open holds that have run out.
 * @param from how many of the holds whose end has come are passed over
 */
export async function runOut(
  connection: Connection,
  domain: string,
  { settleForUs, maxEntries }: OpenOptions,
  from = 0,
): Promise<RanOut> {
  const { ends, calls } = openKeys(domain);
  const nowMs = await redisMs(connection);
  let ranOut = 0;
  let next = from;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const records = (await connection.command(
      'ZRANGEBYSCORE',
      ends,
      '-inf',
      nowMs,
      'LIMIT',
      next,
      PAGE,
    )) as string[];
    if (records.length === 0) return { ranOut, next: 0 };
    const keys = [ledgerKey(domain), foldKey(domain), ends, calls, ...records];
    const [ended = 0, closed = 0] = (await connection.run('run_out', keys, [
      settleForUs,
      maxEntries,
    ])) as number[];
    ranOut += ended;
    // Those that stay are passed over by the next page; those that went have made room.
    next += records.length - closed;
    if (records.length < PAGE) return { ranOut, next: 0 };
  }
  return { ranOut, next };
}

export async function countOpen(connection: Connection, domain: string): Promise<number> {
  return Number(await connection.command('ZCARD', openKeys(domain).ends));
}
