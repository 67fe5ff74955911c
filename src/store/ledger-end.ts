import { compareIds } from '../model/entry.js';
import type { Connection } from '../redis/connection.js';
import { ledgerKey } from './keys.js';

/** The id of the newest entry; undefined if there is none. */
export async function lastEntryId(
  connection: Connection,
  domain: string,
): Promise<string | undefined> {
  const key = ledgerKey(domain);
  const found = (await connection.command('XREVRANGE', key, '+', '-', 'COUNT', 1)) as [string][];
  return found[0]?.[0];
}

/** The id of the oldest entry; undefined if there is none. */
export async function firstEntryId(
  connection: Connection,
  domain: string,
): Promise<string | undefined> {
  const key = ledgerKey(domain);
  const found = (await connection.command('XRANGE', key, '-', '+', 'COUNT', 1)) as [string][];
  return found[0]?.[0];
}

/** The id of the newest entry up to an id; undefined if there is none. */
export async function entryUpTo(
  connection: Connection,
  domain: string,
  id: string,
): Promise<string | undefined> {
  const key = ledgerKey(domain);
  const found = (await connection.command('XREVRANGE', key, id, '-', 'COUNT', 1)) as [string][];
  return found[0]?.[0];
}

/** The id of the first entry after an id; undefined if there is none. */
export async function entryAfter(
  connection: Connection,
  domain: string,
  id: string,
): Promise<string | undefined> {
  const key = ledgerKey(domain);
  const found = (await connection.command('XRANGE', key, `(${id}`, '+', 'COUNT', 1)) as [string][];
  return found[0]?.[0];
}

export async function hasEntry(
  connection: Connection,
  domain: string,
  id: string,
): Promise<boolean> {
  const found = (await connection.command('XRANGE', ledgerKey(domain), id, id)) as unknown[];
  return found.length > 0;
}

/**
 * Has a ledger never had an entry that it once had? Not one that was trimmed: the oldest go first, so that is
 * where all that is left is newer. In this order, since trimming goes on meanwhile.
 */
export async function lacksEntry(
  connection: Connection,
  domain: string,
  id: string,
): Promise<boolean> {
  if (await hasEntry(connection, domain, id)) return false;
  const first = await firstEntryId(connection, domain);
  return first === undefined || compareIds(first, id) < 0;
}
