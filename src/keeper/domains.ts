import type { Policy } from '../policy/policy.js';
import type { Connection } from '../redis/connection.js';
import { DOMAINS_KEY } from '../store/keys.js';

/** The domains that gates have named, and the one that the policy names: all, since a ledger that nobody keeps is lost. */
export async function domainsOf(connection: Connection, { domain }: Policy): Promise<string[]> {
  const named = (await connection.command('SMEMBERS', DOMAINS_KEY)) as string[];
  const domains = new Set(named);
  if ('name' in domain) domains.add(domain.name);
  return [...domains];
}
