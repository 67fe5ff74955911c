import type { Entry } from '../model/entry.js';
import { formatLine } from '../model/ledger-line.js';
import type { Connection } from '../redis/connection.js';
import { readPolicyText } from './policies.js';

/** The lines of entries of a domain; a policy's has its text, so that an import knows the limits of then. */
export function linesOf(
  connection: Connection,
  domain: string,
  entries: readonly Entry[],
): Promise<string[]> {
  return Promise.all(
    entries.map(async (entry) => {
      if (entry.kind !== 'policy') return formatLine(entry, { domain });
      const policyText = await readPolicyText(connection, domain, entry.hash);
      return formatLine(entry, { domain, policyText });
    }),
  );
}
