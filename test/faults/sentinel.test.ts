import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { NO_OPENSSL } from '../support/certificates.js';
import { assertWithinPromise } from '../support/failover.js';
import { NO_REDIS } from '../support/redis.js';
import { tollgate } from '../support/run.js';
import { scratchFolder, writeScratch } from '../support/scratch.js';
import { type SentinelGroup, startSentinelGroup } from '../support/sentinel.js';
import { type SidecarProcess, spawnSidecar } from '../support/sidecar.js';
import { startLoad } from '../support/under-load.js';
import { until } from '../support/until.js';

const TIMEOUT_MS = 10_000;

/** More than are told before the master is killed, and few enough to be reached after. */
const LIMIT = 800;

/** More than a master can tell that is replaced, until it is left. */
const LIMIT_OF_LIVE = 2_000;

/** A look at the sentinels each second, and one that was just under way. */
const LEFT_MS = 2_500;

const policyOf = (limit: number) => `
rules:
  - id: calls
    action: block
    failureMode: deny
    match: { agent: loaded }
    rateLimit: { limit: ${limit}, window: 1h }
`;

const skip = NO_REDIS || NO_OPENSSL;

describe('a Redis under Sentinel, by TLS and as the users of k8s/acl', { skip }, () => {
  const folder = scratchFolder();
  let group: SentinelGroup;
  let sidecars: SidecarProcess[];
  let env: Record<string, string>;
  before(async () => {
    group = await startSentinelGroup(folder);
    env = {
      REDIS_URL: group.url,
      TOLLGATE_REDIS_MODE: 'sentinel',
      TOLLGATE_REDIS_SENTINEL_MASTER: group.name,
      TOLLGATE_REDIS_SENTINEL_PASSWORD_FILE: group.passwordFile,
      TOLLGATE_POLICY: writeScratch(folder, policyOf(LIMIT)),
    };
    sidecars = await Promise.all([spawnSidecar(env, ['--role', 'gate']), spawnSidecar(env)]);
  });
  after(async () => {
    await Promise.all(sidecars.map((sidecar) => sidecar.stop()));
    await group.stop();
  });

  test('doctor says where a master that was replaced would go on deciding', async () => {
    const minReplicas = (n: number) =>
      group.master.client.config('SET', 'min-replicas-to-write', n);
    const said = async () => (await tollgate(['doctor'], env)).out;
    assert.match(await said(), /warn {2}min-replicas-to-write is 0: .*\n {6}fix: .*to 1/);
    await minReplicas(1);
    assert.doesNotMatch(await said(), /min-replicas-to-write/);
    await minReplicas(0);
  });

  test('a master that is killed under load: within the limit but for what was not replicated, in time, back by itself', async (t) => {
    for (const sidecar of sidecars) await until('decisions by Redis', () => decides(sidecar));
    const load = startLoad(sidecars, { agent_id: 'loaded', final: true });
    await until('some hundred calls', () => load.calls.length > 300);
    const killedMs = performance.now();
    await group.master.kill();
    const isDenied = () => {
      const last = load.calls.at(-1)?.decision;
      return last?.verdict === 'VERDICT_DENY' && !last.degraded;
    };
    await until('the limit to be met at the new master', isDenied);
    const found = await assertWithinPromise(await load.stop(), {
      ...{ client: group.replica.client, ledger: 'tg:{default}:ledger', limit: LIMIT, killedMs },
    });
    t.diagnostic(JSON.stringify(found));
    assert.ok(found.degraded > 0, 'there was a time without a master');
    assert.match(await group.replica.client.info('replication'), /role:master/);
  });

  test('the commands find the new master, each as its user', async () => {
    const { code, out, err } = await tollgate(['report', '--json'], env);
    assert.equal(code, 0, err);
    assert.equal(JSON.parse(out).total.calls, LIMIT);
    assert.deepEqual(await group.replica.client.call('ACL', 'LOG'), []);
  });

  test('a sentinel that is frozen or forbids is said, and holds nobody up for long', async () => {
    group.signalSentinel('SIGSTOP');
    const frozen = await tollgate(['doctor'], env);
    group.signalSentinel('SIGCONT');
    assert.match(
      frozen.out,
      /no sentinel names the master: .* does not answer.*\n {6}fix: .*hangs/,
    );
    const wrong = await tollgate(['doctor'], {
      ...env,
      TOLLGATE_REDIS_SENTINEL_PASSWORD_FILE: writeScratch(folder, 'wrong'),
    });
    assert.match(wrong.out, /WRONGPASS.*\n {6}fix: correct TOLLGATE_REDIS_SENTINEL_PASSWORD_FILE/);
    const none = await tollgate(['doctor'], { ...env, TOLLGATE_REDIS_SENTINEL_MASTER: 'other' });
    assert.match(none.out, /knows no master "other"\n {6}fix: .*TOLLGATE_REDIS_SENTINEL_MASTER/);
  });
});

describe('a master that its sentinels replace while it lives', { skip }, () => {
  const folder = scratchFolder();
  const cases: [how: string, replace: (group: SentinelGroup) => Promise<void>][] = [
    ['by a planned failover', (group) => group.failover()],
    [
      'since it was frozen, and thaws',
      async ({ master, replica }) => {
        master.signal('SIGSTOP');
        await until('the replica to be promoted', async () =>
          /role:master/.test(await replica.client.info('replication')),
        );
        master.signal('SIGCONT');
      },
    ],
  ];
  for (const [how, replace] of cases) {
    test(`${how}: it is left within moments, and only what it was told until then is lost`, async (t) => {
      const group = await startSentinelGroup(folder);
      const env = {
        REDIS_URL: group.url,
        TOLLGATE_REDIS_MODE: 'sentinel',
        TOLLGATE_REDIS_SENTINEL_MASTER: group.name,
        TOLLGATE_REDIS_SENTINEL_PASSWORD_FILE: group.passwordFile,
        TOLLGATE_POLICY: writeScratch(folder, policyOf(LIMIT_OF_LIVE)),
      };
      const sidecars = await Promise.all([
        spawnSidecar(env, ['--role', 'gate']),
        spawnSidecar(env, ['--role', 'gate']),
      ]);
      try {
        for (const sidecar of sidecars) await until('decisions by Redis', () => decides(sidecar));
        const load = startLoad(sidecars, { agent_id: 'loaded', final: true });
        await until('some calls', () => load.calls.length > 100);
        const killedMs = performance.now();
        await replace(group);
        const promotedMs = performance.now() - killedMs;
        const { client } = group.replica;
        const counted = async () => (await client.xlen('tg:{default}:ledger')) >= LIMIT_OF_LIVE / 2;
        await until(
          'calls at the new master',
          async () => /role:master/.test(await client.info('replication')) && (await counted()),
        );
        const found = await assertWithinPromise(await load.stop(), {
          ...{ client, ledger: 'tg:{default}:ledger', limit: LIMIT_OF_LIVE },
          ...{ killedMs, leftMs: promotedMs + LEFT_MS },
        });
        t.diagnostic(JSON.stringify({ ...found, promotedMs }));
        const said = sidecars[0]?.log.map(({ why }) => String(why)).join('\n') ?? '';
        assert.match(said, /the sentinels name another master, 127\.0\.0\.1:\d+/);
      } finally {
        await Promise.all(sidecars.map((sidecar) => sidecar.stop()));
        await group.stop();
      }
    });
  }
});

async function decides({ channel }: SidecarProcess): Promise<boolean> {
  return !(await channel.inspect({ agent_id: 'probe' }, TIMEOUT_MS)).degraded;
}
