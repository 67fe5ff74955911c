import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, describe, mock, test } from 'node:test';
import { Denials, type Denied } from '../../src/guard/denials.js';
import { createNotes } from '../../src/guard/notes.js';
import { NOTHING } from '../../src/model/amounts.js';
import type { Decision } from '../../src/model/decision.js';
import type { Entry, EntryKind } from '../../src/model/entry.js';
import { parsePolicy } from '../../src/policy/parse.js';
import type { Policy } from '../../src/policy/policy.js';
import type { Connection } from '../../src/redis/connection.js';
import { DOMAINS_KEY, ledgerKey, policiesKey } from '../../src/store/keys.js';
import { createLog } from '../../src/telemetry/log.js';
import { callOf } from '../support/call.js';
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
    // The first policy was in force when the first calls came; since then it has changed once.
    assert.match(explained.out, /^few +2 calls an hour .* +9 calls an hour for each agent +\d+ /m);
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

test('the sum of very dear denials stays at what the ledger takes', () => {
  const denials = new Denials();
  const dear: Denied = {
    kind: 'denied',
    ...{ rule: 'budget', partition: 'agent=a', facts: factsFor('', { agent: 'a' }), calls: 1 },
    asked: { ...NOTHING, costNano: 900_000_000_000_000 },
    ...{ ...NO_WINDOW, firstUs: 1, lastUs: 1 },
  };
  for (let i = 0; i < 40; i += 1) denials.add('default', dear);
  const [sum] = denials.take().get('default') ?? [];
  assert.deepEqual([sum?.calls, sum?.asked.costNano], [40, Number.MAX_SAFE_INTEGER]);
});

for (const [what, error] of [
  ['refused is told again, and what came before it is not', 'OOM command not allowed'],
  ['was cut off, and may have run, is not told again', 'Connection is closed.'],
] as const) {
  test(`of 250 kinds of denials a script that ${what}`, async () => {
    const rules: string[] = [];
    let scripts = 0;
    const run = async (name: string, _keys: unknown, args: readonly (string | number)[]) => {
      if (name !== 'append') return [0];
      scripts += 1;
      const taken = args.map(String).filter((arg) => /^rule-/.test(arg));
      // Cut off: Redis has run it all the same.
      if (scripts !== 2 || !error.startsWith('OOM')) rules.push(...taken);
      if (scripts === 2) throw new Error(error);
      return [1];
    };
    const connection = { ready: () => true, run, command: async () => 0 };
    const notes = createNotes({
      connection: connection as unknown as Connection,
      policy: () => parsePolicy('rules: []') as Policy,
      domains: () => [],
      origin: { from: '', by: '' },
      log: createLog('silent', 'json'),
    });
    const denied = { rules: [], amounts: NOTHING, decidedAtUs: 1 } as unknown as Decision;
    for (let i = 0; i < 250; i += 1) notes.denied(callOf({ callId: `${i}` }), denied, `rule-${i}`);
    await until('the first to be told', () => scripts > 1);
    await notes.close();
    assert.equal(rules.length, 250);
    assert.equal(new Set(rules).size, 250);
  });
}

test('the first denial is told at once, those after it with the next second', async (t) => {
  mock.timers.enable({ apis: ['setInterval'] });
  t.after(() => mock.timers.reset());
  const policy = parsePolicy(policyWith(2));
  assert.ok('hash' in policy);
  const told: number[] = [];
  let fails = false;
  const run: Connection['run'] = async (script, _keys, [, , ...fields]) => {
    if (fails) throw new Error('OOM');
    if (script === 'append')
      told.push(Number(String(fields[fields.indexOf('n') + 1]).split(' ')[0]));
    return [1, 1];
  };
  const command: Connection['command'] = async () => 1;
  const notes = createNotes({
    connection: { ready: () => true, run, command } as unknown as Connection,
    policy: () => policy,
    domains: () => [],
    origin: { from: '', by: '' },
    log: createLog('silent', 'json'),
  });
  const deny = (agent: string) => {
    const decision = { amounts: NOTHING, rules: [], decidedAtUs: 1, callId: `c${agent}` };
    notes.denied(callOf({ agent }), decision as unknown as Decision, 'few');
  };
  const settle = async () => {
    for (let n = 0; n < 4; n += 1) await new Promise((resolve) => setImmediate(resolve));
    return told.splice(0);
  };
  const second = () => {
    mock.timers.tick(1_000);
    return settle();
  };
  deny('a');
  deny('a');
  assert.deepEqual(await settle(), [2], 'with what was denied beside it');
  deny('a');
  deny('a');
  deny('a');
  assert.deepEqual(await settle(), []);
  assert.deepEqual(await second(), [3]);
  fails = true;
  deny('b');
  assert.deepEqual(await settle(), []);
  fails = false;
  assert.deepEqual(await second(), [1], 'what Redis has refused is told again');
  await notes.close();
});
