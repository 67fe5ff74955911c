import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { Denials, type Denied } from '../../src/guard/denials.js';
import { NOTHING } from '../../src/model/amounts.js';
import type { Entry, EntryKind } from '../../src/model/entry.js';
import { DOMAINS_KEY, ledgerKey, policiesKey } from '../../src/store/keys.js';
import { factsFor, NO_WINDOW } from '../support/ledger.js';
import { NO_REDIS, type RedisProcess, startRedis } from '../support/redis.js';
import { tollgate } from '../support/run.js';
import { scratchFolder, writeScratch } from '../support/scratch.js';
import { type SidecarProcess, spawnSidecar } from '../support/sidecar.js';
import { readEntries } from '../support/stream.js';
import { until } from '../support/until.js';

/** Long enough for a loaded machine. */
const TIMEOUT_MS = 5_000;

const policyWith = (limit: number) => `
rules:
  - id: few
    action: block
    alertAt: [1.0]
    rateLimit: { limit: ${limit}, window: 1h }
`;

describe('what a gate tells the ledger of itself', { skip: NO_REDIS }, () => {
  const folder = scratchFolder();
  let redis: RedisProcess;
  const started: SidecarProcess[] = [];
  let file: string;
  before(async () => {
    redis = await startRedis();
    file = writeScratch(folder, policyWith(2), 'policy.yaml');
  });
  after(async () => {
    await Promise.all(started.map((sidecar) => sidecar.stop()));
    await redis.stop();
  });
  const start = async (): Promise<SidecarProcess> => {
    const sidecar = await spawnSidecar({ REDIS_URL: redis.url, TOLLGATE_POLICY: file }, [
      '--role',
      'gate',
    ]);
    started.push(sidecar);
    return sidecar;
  };
  async function entries<K extends EntryKind>(kind: K): Promise<Extract<Entry, { kind: K }>[]> {
    const all = readEntries(await redis.client.xrange(ledgerKey('default'), '-', '+'));
    return all.filter((entry): entry is Extract<Entry, { kind: K }> => entry.kind === kind);
  }

  test('denials are summed each second, by rule, partition and what was asked for', async () => {
    const { channel } = await start();
    const call = { agent_id: 'writer', team_id: 'press', estimated_cost: 0.25 };
    for (let n = 0; n < 7; n += 1) await channel.authorize({ ...call, tool: 'search' }, TIMEOUT_MS);
    for (let n = 0; n < 3; n += 1) await channel.authorize({ ...call, tool: 'mail' }, TIMEOUT_MS);
    const denials = async () => {
      const sums = new Map<string, { calls: number; costNano: number }>();
      for (const { rule, partition, facts, calls, asked, firstUs, lastUs } of await entries(
        'denied',
      )) {
        assert.deepEqual([rule, partition, facts.agent], ['few', 'agent=writer', 'writer']);
        assert.deepEqual([facts.team, facts.callId, firstUs <= lastUs], ['press', '', true]);
        const sum = sums.get(facts.tool) ?? { calls: 0, costNano: 0 };
        sum.calls += calls;
        sum.costNano += asked.costNano;
        sums.set(facts.tool, sum);
      }
      return Object.fromEntries(sums);
    };
    await until('the ledger to be told', async () => (await denials())['mail']?.calls === 3);
    assert.deepEqual(await denials(), {
      search: { calls: 5, costNano: 1_250_000_000 },
      mail: { calls: 3, costNano: 750_000_000 },
    });
    assert.deepEqual(
      (await entries('threshold')).map(({ rule, partition, amount, limit }) => ({
        ...{ rule, partition, amount, limit },
      })),
      [{ rule: 'few', partition: 'agent=writer', amount: 2, limit: 2 }],
      'an admission has raised it; the denials after it did not again',
    );
    const env = { REDIS_URL: redis.url, TOLLGATE_POLICY: file };
    const report = await tollgate(['report', '--last', '2d', '--json'], env);
    assert.equal(JSON.parse(report.out).total.denied, 8, report.out);
  });

  test('a policy is told once by all gates, and again when it changes; answers know of both', async () => {
    const [first] = started;
    assert.ok(first);
    await (await start()).channel.authorize({ agent_id: 'writer' }, TIMEOUT_MS);
    await until('the first policy', async () => (await entries('policy')).length > 0);
    assert.equal(await redis.client.sismember(DOMAINS_KEY, 'default'), 1);
    writeFileSync(file, policyWith(9));
    for (const { child } of started) child.kill('SIGHUP');
    await until('the second policy', async () => (await entries('policy')).length > 1);
    for (const sidecar of started) {
      await until('each gate to have read it', () =>
        sidecar.log.some(({ msg }) => String(msg).includes('it is in force')),
      );
    }
    // A stop tells what waits, so nothing can follow.
    await Promise.all(started.splice(0).map((sidecar) => sidecar.stop()));
    const told = await entries('policy');
    assert.deepEqual(
      told.map(({ from }) => from),
      [file, file],
    );
    const kept = await redis.client.hgetall(policiesKey('default'));
    assert.deepEqual(
      told.map(({ hash }) => JSON.parse(kept[hash] ?? '{}').text),
      [policyWith(2), policyWith(9)],
    );
    const env = { REDIS_URL: redis.url, TOLLGATE_POLICY: file };
    const explained = await tollgate(['explain', 'writer', '--last', '2d'], env);
    // Two days ago no policy was known yet; since then it has changed once.
    assert.match(explained.out, /^few +not known +9 calls an hour for each agent +\d+ /m);
    assert.equal(explained.out.match(/policy \w{12} took effect, from /g)?.length, 2);
  });

  test('a Redis that was flushed is told again of the domain and its policy', async () => {
    const { channel } = await start();
    await channel.authorize({ agent_id: 'flushed' }, TIMEOUT_MS);
    const known = async () =>
      (await redis.client.sismember(DOMAINS_KEY, 'default')) === 1 &&
      (await redis.client.exists(policiesKey('default'))) === 1;
    await until('the domain to be told', known);
    await redis.client.flushall();
    await until('it to be told again', known);
    assert.equal((await entries('policy')).length, 1);
  });

  test('denials that Redis refuses are told once it takes them again', async () => {
    writeFileSync(file, 'rules: [{ id: no-shell, action: block, match: { tool: shell } }]');
    const { channel } = await start();
    const refusals = async () =>
      Number(/errorstat_OOM:count=(\d+)/.exec(await redis.client.info('errorstats'))?.[1] ?? 0);
    await redis.client.config('SET', 'maxmemory', '1');
    const denied = await channel.authorize({ agent_id: 'late', tool: 'shell' }, TIMEOUT_MS);
    assert.deepEqual([denied.verdict, denied.degraded], ['VERDICT_DENY', true]);
    const before = await refusals();
    await until('the ledger to have refused it', async () => (await refusals()) > before);
    await redis.client.config('SET', 'maxmemory', '0');
    const late = async () =>
      (await entries('denied')).filter(({ facts }) => facts.agent === 'late');
    await until('the ledger to be told', async () => (await late()).length > 0);
    assert.deepEqual(
      (await late()).map(({ rule, calls }) => [rule, calls]),
      [['no-shell', 1]],
    );
  });
});

test('past the bound of kinds only the sum by rule is kept, and no call is lost', () => {
  const denials = new Denials();
  const denied = (i: number): Denied => ({
    kind: 'denied',
    rule: `rule-${i % 3}`,
    partition: `agent=a${i}`,
    facts: factsFor('', { agent: `a${i}` }),
    calls: 1,
    asked: { ...NOTHING, costNano: i },
    ...NO_WINDOW,
    firstUs: i,
    lastUs: i,
  });
  for (let i = 0; i < 5_000; i += 1) denials.add(`domain-${i % 2}`, denied(i));
  const taken = [...denials.take().values()].flat();
  assert.ok(taken.length <= 1_000 + 6, `${taken.length} kinds`);
  assert.equal(
    taken.reduce((sum, { calls }) => sum + calls, 0),
    5_000,
  );
  assert.equal(
    taken.reduce((sum, { asked }) => sum + asked.costNano, 0),
    (4_999 * 5_000) / 2,
  );
  assert.deepEqual(
    taken.filter(({ facts }) => facts.agent === 'other').map(({ partition }) => partition),
    Array(6).fill(''),
  );
  assert.equal(denials.take().size, 0);
});
