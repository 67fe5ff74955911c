import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, afterEach, before, describe, test } from 'node:test';
import type { Connection } from '../../src/redis/connection.js';
import { type Received, type Receiver, startReceiver } from '../support/receiver.js';
import { NO_REDIS, type RedisProcess, startRedis } from '../support/redis.js';
import { tollgate } from '../support/run.js';
import { scratchFolder, writeScratch } from '../support/scratch.js';
import { type SidecarProcess, spawnSidecar } from '../support/sidecar.js';
import { openStore } from '../support/store.js';
import { until } from '../support/until.js';

const POLICY = `
rules:
  - id: loop-detection
    action: block
    match: { tool: "*" }
    rateLimit: { limit: 5, window: 60 }
    alertAt: [0.8, 1.0]
alerts:
  - { name: json, format: json, url: { env: JSON_URL }, secret: { env: HOOK_KEY } }
  - { name: slack, format: slack, url: { env: SLACK_URL }, on: [denied] }
`;
const KEY = 'a-key-of-the-test';

interface Body {
  readonly state: string;
  readonly event: string;
  readonly agent: string;
  readonly [field: string]: unknown;
}
const bodyOf = ({ body }: Received) => JSON.parse(body) as Body;

describe('alerts', { skip: NO_REDIS }, () => {
  const folder = scratchFolder();
  let redis: RedisProcess;
  let receiver: Receiver;
  let store: { connection: Connection };
  before(async () => {
    redis = await startRedis();
    receiver = await startReceiver();
    store = await openStore(redis.url);
    process.env['HOOK_KEY'] = KEY;
    process.env['JSON_URL'] = `${receiver.url}/json`;
    process.env['SLACK_URL'] = `${receiver.url}/slack`;
  });
  after(async () => {
    store.connection.close();
    await receiver.stop();
    await redis.stop();
  });
  afterEach(async () => {
    receiver.received.length = 0;
    receiver.answers.length = 0;
    await redis.client.flushall();
  });

  test('three sidecars and two keepers tell of a denial within two seconds, once on each route', async () => {
    const file = writeScratch(folder, POLICY);
    const env = {
      ...{ REDIS_URL: redis.url, TOLLGATE_POLICY: file, HOOK_KEY: KEY },
      ...{ JSON_URL: `${receiver.url}/json`, SLACK_URL: `${receiver.url}/slack` },
    };
    const roles = ['gate', 'gate', 'gate', 'keeper', 'keeper'];
    const sidecars = await Promise.all(roles.map((role) => spawnSidecar(env, ['--role', role])));
    const gates = sidecars.slice(0, 3);
    const tookMs: number[] = [];
    for (const agent of ['a', 'b', 'c']) {
      const ofAgent = () => receiver.received.map(bodyOf).filter((body) => body.agent === agent);
      const isDenial = (body: Body) => body.event === 'denied';
      const startedMs = performance.now();
      for (let call = 0; call < 7; call += 1) await ask(gates[call % 3] as SidecarProcess, agent);
      await until('the denial to be told', () => ofAgent().some(isDenial));
      tookMs.push(performance.now() - startedMs);
    }
    console.log(`a denial was told in ${tookMs.map((ms) => Math.round(ms)).join(', ')} ms`);
    assert.ok(Math.min(...tookMs) < 2_000);
    // All keepers have read on past all denials, and have nothing left to tell.
    await ask(gates[0] as SidecarProcess, 'a');
    const [last = ''] = (
      await redis.client.xrevrange('tg:{default}:ledger', '+', '-', 'COUNT', 1)
    ).map(([id]) => id);
    await until('the keepers to have read on', async () => {
      const read = (await redis.client.get('tg:{default}:alerts:read')) ?? '';
      return read >= last;
    });
    for (const keeper of sidecars.slice(3)) {
      await until(
        'nothing to wait',
        async () => (await keeper.metric('tollgate_alerts_waiting')) === 0,
      );
    }
    const counts = new Map<string, number>();
    for (const one of receiver.received) {
      const { event, agent, text } = bodyOf(one);
      const key = one.path === '/json' ? `json ${event} ${agent}` : `slack ${String(text)}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    const expected = ['a', 'b', 'c'].flatMap((agent) => [
      `json denied ${agent}`,
      `json threshold ${agent}`,
      `slack ⛔ ${agent} of ops is blocked by loop-detection: 5 of 5 calls used`,
    ]);
    assert.deepEqual(
      Object.fromEntries(counts),
      Object.fromEntries(expected.map((key) => [key, 1])),
    );
    const denial = receiver.received.find((one) => bodyOf(one).event === 'denied') as Received;
    const { used, limit, metric, run, tool, rule, explain, text, may_go_on_at } = bodyOf(denial);
    assert.deepEqual(
      { used, limit, metric, run, tool, rule, text },
      {
        ...{ used: 5, limit: 5, metric: 'calls', run: 'run-1', tool: 'search' },
        ...{
          rule: 'loop-detection',
          text: 'a of ops is blocked by loop-detection: 5 of 5 calls used',
        },
      },
    );
    assert.match(String(explain), /^tollgate explain a --day \d{4}-\d\d-\d\d$/);
    assert.ok(Date.parse(String(may_go_on_at)) > Date.now() - 60_000);
    assertSigned(denial);

    const { code } = await tollgate(['halt', 'b', '--why', 'it loops'], env);
    assert.equal(code, 0);
    const says = (state: string) =>
      receiver.received
        .map(bodyOf)
        .filter((body) => body.event === 'halted' && body.state === state);
    await until('the halt to be told', () => says('firing').length > 0);
    assert.equal((await tollgate(['resume', 'b'], env)).code, 0);
    await until('the end of the halt to be told', () => says('over').length > 0);
    assert.equal(says('firing').length, 1);
    await Promise.all(sidecars.map((sidecar) => sidecar.stop()));
    assert.equal(says('over').length, 1);
  });

  function assertSigned({ headers, body }: Received): void {
    const [, t = '', v1 = ''] =
      /^t=(\d+),v1=([0-9a-f]+)$/.exec(String(headers['tollgate-signature'])) ?? [];
    assert.equal(v1, createHmac('sha256', KEY).update(`${t}.${body}`).digest('hex'));
  }
});

async function ask(gate: SidecarProcess, agent: string): Promise<void> {
  const request = { agent_id: agent, team_id: 'ops', tool: 'search', run_id: 'run-1' };
  await gate.channel.authorize({ ...request, estimated_cost: 0.01 }, 5_000);
}
