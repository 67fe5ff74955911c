import { compareIds } from '../model/entry.js';
import type { Connection } from '../redis/connection.js';
import type { FoldState } from './fold-state.js';
import { ledgerKey } from './keys.js';

/**
 * Takes the oldest entries from a ledger: those that are folded, in the sink if there is one, and older
 * than they are to be kept. About: Redis drops whole nodes of its stream.
 * @param keepForMs how long an entry stays once it is folded
 * @param toSink this keeper writes a sink: what is not in it stays
 * @returns how many went
 */
export async function trimLedger(
  connection: Connection,
  domain: string,
  state: Pick<FoldState, 'position' | 'sunk'>,
  nowMs: number,
  keepForMs: number,
  toSink: boolean,
): Promise<number> {
  let before = `${Math.max(0, Math.floor(nowMs - keepForMs))}-0`;
  for (const limit of toSink ? [state.position, state.sunk] : [state.position]) {
    if (compareIds(limit, before) < 0) before = limit;
  }
  return Number(await connection.command('XTRIM', ledgerKey(domain), 'MINID', '~', before));
}
