import type { Connection } from '../redis/connection.js';
import { DOMAINS_KEY, ledgerKey, policiesKey } from './keys.js';
import type { PolicyText } from './spend.js';

/** The field that names the last policy; no hash of one is so short. */
const NOW = 'now';

/** Policies of a domain that are kept: a change each working day for a year. */
const MAX_POLICIES = 256;

/** A larger policy is kept without its text: it would be read again with every answer. */
const MAX_TEXT_BYTES = 65_536;

/** Where a policy came from, for people. */
export interface PolicyOrigin {
  readonly from: string;
  readonly by: string;
}

/**
 * Tells a domain, and the keepers of it, which policy is in force there; the ledger says so if the last one
 * that was told is another.
 * @param maxEntries bound of the ledger
 */
export async function tellPolicy(
  connection: Connection,
  domain: string,
  { hash, text }: PolicyText,
  origin: PolicyOrigin,
  maxEntries: number,
): Promise<void> {
  const kept = JSON.stringify({ text: Buffer.byteLength(text) > MAX_TEXT_BYTES ? '' : text });
  const entry = JSON.stringify({ hash, ...origin });
  const keys = [ledgerKey(domain), policiesKey(domain)];
  await connection.run('policy', keys, [hash, kept, entry, maxEntries, MAX_POLICIES]);
  await connection.command('SADD', DOMAINS_KEY, domain);
}

/**
 * Does a domain still know of any policy? One whose Redis was flushed does not. Keepers then know of no domain
 * either, so this names it again.
 */
export async function knowsPolicy(connection: Connection, domain: string): Promise<boolean> {
  await connection.command('SADD', DOMAINS_KEY, domain);
  return (await connection.command('HGET', policiesKey(domain), NOW)) !== null;
}

/** The policies of a domain, by hash. */
export async function readPolicies(
  connection: Connection,
  domain: string,
): Promise<ReadonlyMap<string, PolicyText>> {
  const flat = (await connection.command('HGETALL', policiesKey(domain))) as string[];
  const policies = new Map<string, PolicyText>();
  for (let at = 0; at < flat.length; at += 2) {
    const [hash = '', kept = '{}'] = flat.slice(at, at + 2);
    if (hash === NOW) continue;
    const { text = '' } = JSON.parse(kept) as { text?: string };
    policies.set(hash, { hash, text });
  }
  return policies;
}
