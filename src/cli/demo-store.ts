import { DEMO_DOMAIN } from '../demo/eight-weeks.js';
import type { PlannedPolicy } from '../demo/plan.js';
import { NO_ACCESS } from '../redis/access.js';
import { formatRedisAddress } from '../redis/address.js';
import { connectOnce } from '../redis/connect.js';
import type { Connection } from '../redis/connection.js';
import { startEmbeddedRedis } from '../redis/embedded.js';
import { loadScripts } from '../redis/scripts.js';
import type { Settings } from '../settings.js';
import { domainPattern, foldKey, ledgerKey, policiesKey } from '../store/keys.js';
import { connect } from './connect.js';

/** A store for the demo, and where it is, for people. */
export interface DemoStore {
  readonly connection: Connection;
  readonly where: string;
  close(): Promise<void>;
}

/** The Redis that is set, else an embedded one that is gone with the process; or why there is none. */
export async function openDemoStore(settings: Settings): Promise<DemoStore | string> {
  if (!settings.redis) return openEmbedded();
  const { connection, problem } = await connect(settings, settings.redis);
  const where = formatRedisAddress(settings.redis);
  const close = async () => connection.close();
  if (problem === undefined) return { connection, where, close };
  await close();
  return `${where} cannot be reached: ${problem}; tollgate doctor says more`;
}

async function openEmbedded(): Promise<DemoStore | string> {
  const engine = await startEmbeddedRedis();
  const { connection, problem } = await connectOnce({
    access: NO_ACCESS,
    address: engine.address,
    scripts: engine.adapt(loadScripts()),
  });
  const close = async () => {
    connection.close();
    await engine.close();
  };
  if (problem === undefined) return { connection, where: 'an embedded Redis', close };
  await close();
  return `the embedded Redis cannot be reached: ${problem}`;
}

/** Names in one reply of SCAN: it blocks Redis for well under a millisecond. */
const SCAN_COUNT = 500;

/**
 * Makes room for the demo. A domain with a ledger of its own is real, and left alone; what an earlier demo
 * has left goes only if `again`.
 * @returns why there is no room
 */
export async function makeRoom(
  connection: Connection,
  again: boolean,
): Promise<string | undefined> {
  const exists = (key: string) => connection.command('EXISTS', key);
  if ((await exists(ledgerKey(DEMO_DOMAIN))) === 1) {
    return `the domain "${DEMO_DOMAIN}" has a ledger that a sidecar has written: the demo would mix with it. Use another Redis`;
  }
  if ((await exists(foldKey(DEMO_DOMAIN))) === 0) return undefined;
  if (!again) {
    return `the domain "${DEMO_DOMAIN}" is filled already: ask it (tollgate report --domain ${DEMO_DOMAIN}), or replace it with --again`;
  }
  if (connection.address.mode === 'cluster') {
    return `--again cannot find the keys of a domain in a Cluster: delete ${domainPattern(DEMO_DOMAIN)} yourself`;
  }
  let cursor = '0';
  do {
    const reply = await connection.command(
      'SCAN',
      '',
      cursor,
      'MATCH',
      domainPattern(DEMO_DOMAIN),
      'COUNT',
      SCAN_COUNT,
    );
    const [next, keys] = reply as [string, string[]];
    for (const key of keys) await connection.command('UNLINK', key);
    cursor = String(next);
  } while (cursor !== '0');
  return undefined;
}

/** Keeps the policies that were in force, as the sidecars would have. */
export async function keepPolicies(
  connection: Connection,
  policies: readonly PlannedPolicy[],
): Promise<void> {
  for (const { policy, text } of policies) {
    const kept = JSON.stringify({ text });
    await connection.command('HSET', policiesKey(DEMO_DOMAIN), policy.hash, kept);
  }
}
