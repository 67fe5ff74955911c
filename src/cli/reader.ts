import { setTimeout as wait } from 'node:timers/promises';
import { compareIds, msOf } from '../model/entry.js';
import type { Connection } from '../redis/connection.js';
import { monotonicMs } from '../redis/deadline.js';
import { redisMs } from '../redis/time.js';
import { type Ahead, readAhead, SummedUpMeanwhile } from '../store/ahead.js';
import { readFoldState } from '../store/fold-state.js';
import { ledgerKey } from '../store/keys.js';
import { newestId } from '../store/ledger-reader.js';
import { readRange } from '../store/unfolded.js';

/** A keeper sums up each second: what is older than this is left to nobody. Less, where none ever has. */
const KEEPER_MS = 5_000;
const FIRST_KEEPER_MS = 2_000;

/** How often it is looked whether a keeper has come so far. */
const LOOK_MS = 200;

/**
 * What waits in a ledger, for somebody who may only read. A keeper is left to sum it up, which it does within a second;
 * where none does, this process counts it by itself.
 * @returns undefined if nothing waits
 */
export async function waitForKeeper(
  connection: Connection,
  domain: string,
): Promise<Ahead | undefined> {
  const newest = await newestId(connection, domain);
  if (newest === undefined) return undefined;
  const startedMs = monotonicMs();
  for (;;) {
    const { position, keeper } = await readFoldState(connection, domain);
    if (compareIds(position, newest) >= 0) return undefined;
    const [oldest] = await readRange(connection, ledgerKey(domain), position, 1);
    if (!oldest) return undefined;
    const ageMs = (await redisMs(connection)) - msOf(oldest.id);
    const mostMs = keeper === '' ? FIRST_KEEPER_MS : KEEPER_MS;
    if (ageMs > mostMs || monotonicMs() - startedMs > mostMs) break;
    await wait(LOOK_MS);
  }
  const ahead = await readAhead(connection, domain);
  if (ahead === undefined) {
    console.error(
      'a keeper is behind with summing up the ledger, and this user of Redis may only read: the newest of it is not in this answer',
    );
    return undefined;
  }
  console.error(
    `${ahead.entries.length} entries of the ledger are not summed up yet, which a keeper would do, and this user of Redis may not: they are counted for this answer alone`,
  );
  sayMissing(ahead.lost, ahead.aside);
  return ahead;
}

/** Asks once more, if a keeper has summed up in the middle of the answer: then it is left to it. */
export async function askAgain<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof SummedUpMeanwhile)) throw error;
    return await ask();
  }
}

/** Says what counts nowhere. */
export function sayMissing(lost: number, aside: number): void {
  if (lost > 0) {
    console.error(
      `${lost} entries of the ledger were trimmed before anybody had summed them up, and count nowhere: run a keeper, or raise ledger.maxEntries`,
    );
  }
  if (aside > 0) console.error(`${aside} entries of the ledger cannot be read, and were set aside`);
}
