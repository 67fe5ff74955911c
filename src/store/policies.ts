import { MAX_POLICY_TEXT_BYTES } from '../model/ledger-line.js';
import type { Connection } from '../redis/connection.js';
import { fieldsOf } from './flat.js';
import { DOMAINS_KEY, ledgerKey, policiesKey } from './keys.js';
import type { PolicyText } from './spend.js';

/** The field that names the last policy; no hash of one is so short. */
const NOW = 'now';

/** Policies of a domain that are kept: a change each working day for a year. */
const MAX_POLICIES = 256;

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
  const kept = keptOf(text);
  const entry = JSON.stringify({ hash, ...origin });
  const keys = [ledgerKey(domain), policiesKey(domain)];
  await connection.run('policy', keys, [hash, kept, entry, maxEntries, MAX_POLICIES]);
  await connection.command('SADD', DOMAINS_KEY, domain);
}

/** Keeps the text of a policy that took effect earlier, or elsewhere, unless it is known or they are too many. */
export async function keepPolicyText(
  connection: Connection,
  domain: string,
  { hash, text }: PolicyText,
): Promise<void> {
  const key = policiesKey(domain);
  if (hash === NOW || Number(await connection.command('HLEN', key)) > MAX_POLICIES) return;
  await connection.command('HSETNX', key, hash, keptOf(text));
}

/** The text of a policy; undefined if it is not known. */
export async function readPolicyText(
  connection: Connection,
  domain: string,
  hash: string,
): Promise<string | undefined> {
  const kept = await connection.command('HGET', policiesKey(domain), hash);
  return typeof kept === 'string' && hash !== NOW ? textOf(kept) || undefined : undefined;
}

/** The text of the last policy that a domain was told; undefined if there was none, or it was too large. */
export async function readLastPolicyText(
  connection: Connection,
  domain: string,
): Promise<string | undefined> {
  const hash = await connection.command('HGET', policiesKey(domain), NOW);
  return typeof hash === 'string' ? readPolicyText(connection, domain, hash) : undefined;
}

function keptOf(text: string): string {
  return JSON.stringify({ text: Buffer.byteLength(text) > MAX_POLICY_TEXT_BYTES ? '' : text });
}

function textOf(kept: string): string {
  const { text = '' } = JSON.parse(kept) as { text?: string };
  return text;
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
  for (const [hash, kept] of Object.entries(fieldsOf(flat))) {
    if (hash === NOW) continue;
    policies.set(hash, { hash, text: textOf(kept) });
  }
  return policies;
}
