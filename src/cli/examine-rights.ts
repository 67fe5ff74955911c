import type { Connection } from '../redis/connection.js';
import { deniedOf } from '../redis/permitted.js';
import { commandsOf, type RedisRole, rightsOf } from '../redis/rights.js';
import { readFoldState } from '../store/fold-state.js';
import { bornKey, ordersKey, spendKey } from '../store/keys.js';
import { newestId } from '../store/ledger-reader.js';
import { type Finding, withTimeout } from './finding.js';

/** What a user that may not decide is good for: to ask, or for nothing. Redis is asked, where it tells it. */
export async function examineRights(
  connection: Connection,
  domain: string,
): Promise<Finding | undefined> {
  const lacks = (role: RedisRole) =>
    withTimeout(deniedOf(connection, commandsOf(role), bornKey(domain)));
  const gate = await lacks('gate');
  if (gate === undefined || gate.length === 0) return undefined;
  const reader = (await lacks('reader')) ?? [];
  if (reader.length === 0) return READER;
  return {
    state: 'fail',
    what: `the user lacks rights: of a gate ${listed(gate)}; of a reader ${listed(reader)}`,
    fix: `give it those of the role that it is for: ${LINES}`,
  };
}

/** The same where Redis only tells by refusing: can it at least read? */
export async function examineReading(
  connection: Connection,
  domain: string,
): Promise<Finding | undefined> {
  try {
    await withTimeout(readFoldState(connection, domain));
    await withTimeout(newestId(connection, domain));
    await withTimeout(connection.run('list', [ordersKey(domain)], []));
    await withTimeout(connection.run('spend', [spendKey(domain, 'day', 0, 0)], []));
    return READER;
  } catch {
    return undefined;
  }
}

/** What a keeper needs beside what a gate needs, as ACL SETUSER takes it. */
export function keeperRights(): string {
  const gate = new Set(commandsOf('gate'));
  return listed(commandsOf('keeper').filter((name) => !gate.has(name)));
}

/** What to give a user that is to be a gate, as ACL SETUSER takes it. */
export function gateFix(): string {
  return `give the ACL user ${rightsOf('gate')}`;
}

const LINES = 'the lines of k8s/acl/gate.acl, keeper.acl and reader.acl are whole';

const READER: Finding = {
  state: 'warn',
  what: 'the user may read, and not decide: good for report, explain, tail, halts and export, not for a gate or a keeper',
  fix: `nothing, for people who ask; else give it the rights of what it is for: ${LINES}`,
};

function listed(commands: readonly string[]): string {
  return commands.length === 0 ? 'none' : commands.map((name) => `+${name}`).join(' ');
}
