import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, afterEach, before, describe, test } from 'node:test';
import { Alerts } from '../../src/keeper/alerts/alerts.js';
import { saidBy } from '../../src/keeper/alerts/from-entry.js';
import type { WatchedEntry } from '../../src/keeper/watch.js';
import { parsePolicy } from '../../src/policy/parse.js';
import type { Connection } from '../../src/redis/connection.js';
import { claimAlert } from '../../src/store/alerts.js';
import { createLog } from '../../src/telemetry/log.js';
import { createMetrics, type Metrics } from '../../src/telemetry/metrics.js';
import { type Received, type Receiver, startReceiver } from '../support/receiver.js';
import { NO_REDIS, type RedisProcess, startRedis } from '../support/redis.js';
import { tollgate } from '../support/run.js';
import { scratchFolder, writeScratch } from '../support/scratch.js';
import { readMetric, type SidecarProcess, spawnSidecar } from '../support/sidecar.js';
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

  /** The alerts of one keeper, whose time the test makes. */
  function alertsOf(text: string): { alerts: Alerts; metrics: Metrics } {
    const policy = parsePolicy(text);
    if ('errors' in policy) throw new Error(JSON.stringify(policy.errors));
    const metrics = createMetrics();
    const alerts = new Alerts({
      connection: store.connection,
      policy: () => policy,
      aboutAgent: () => ({ team: 'customer-ops', topTool: 'chat' }),
      metrics,
      log: createLog('silent', 'json'),
    });
    return { alerts, metrics };
  }

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
    const isDenial = (body: Body) => body.event === 'denied';
    await Promise.all(
      ['a', 'b', 'c'].map(async (agent) => {
        const startedMs = performance.now();
        for (let call = 0; call < 7; call += 1) await ask(gates[call % 3] as SidecarProcess, agent);
        await until('the denial to be told', () =>
          receiver.received.map(bodyOf).some((body) => body.agent === agent && isDenial(body)),
        );
        tookMs.push(performance.now() - startedMs);
      }),
    );
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
      `slack :no_entry: ${agent} of ops is blocked by loop-detection: 5 of 5 calls used`,
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

  test('a denial is over when it has been quiet, and is told anew afterwards', async () => {
    const { alerts } = alertsOf(POLICY);
    const startMs = Date.now();
    const told = () => receiver.received.map(bodyOf).filter(({ event }) => event === 'denied');
    const step = async (atMs: number, entries: WatchedEntry[]) => {
      await alerts.onEntries('d', entries, `${atMs}-1`, atMs);
      await alerts.look('d', atMs);
    };
    await step(startMs, [denied(startMs)]);
    await until('the denial to be told', () => told().length === 1);
    // It goes on for two minutes: nothing is told again.
    for (let s = 1; s <= 120; s += 1) await step(startMs + s * 1000, [denied(startMs + s * 1000)]);
    await step(startMs + 179_000, []);
    assert.equal(told().length, 1);
    await step(startMs + 181_000, []);
    await until('its end to be told', () => told().length === 2);
    assert.equal(told()[1]?.state, 'over');
    assert.equal(told()[1]?.['text'], 'a of ops is blocked by loop-detection no more');
    await step(startMs + 200_000, [denied(startMs + 200_000)]);
    await until('the next denial to be told', () => told().length === 3);
    assert.equal(told()[2]?.state, 'firing');
    alerts.close();
  });

  test('what a keeper has claimed and not told is told by another', async () => {
    const nowMs = Date.now();
    const entry = denied(nowMs);
    const said = saidBy(entry, () => undefined);
    assert.ok(said?.says === 'alert');
    // It died before it could send.
    await claimAlert(store.connection, 'd', 'json', said.once, 'dead', 1_500);
    const { alerts } = alertsOf(POLICY);
    await alerts.onEntries('d', [entry], `${nowMs}-1`, nowMs);
    await alerts.look('d', nowMs);
    assert.equal(await redis.client.get('tg:{d}:alerts:read'), null);
    await until('it to be told on both routes', () => receiver.received.length === 2);
    await until('it to be remembered', async () => {
      await alerts.look('d', nowMs);
      return (await redis.client.get('tg:{d}:alerts:read')) === `${nowMs}-1`;
    });
    alerts.close();
  });

  test('a webhook that fails is tried again, and given up after a while or where that is no use', async () => {
    const cases: { answers: Receiver['answers']; tries: number; failed: number }[] = [
      {
        answers: [{ status: 503 }, { status: 429, headers: { 'retry-after': '1' } }],
        tries: 3,
        failed: 0,
      },
      { answers: [{ status: 404 }], tries: 1, failed: 1 },
      {
        answers: [{ status: 302, headers: { location: '/elsewhere' } }, { status: 404 }],
        tries: 2,
        failed: 1,
      },
    ];
    // Each with a receiver of its own, since they wait.
    const run = async ({ answers, tries, failed }: (typeof cases)[number], at: number) => {
      const { url, received, answers: toGive, stop } = await startReceiver();
      toGive.push(...answers);
      process.env[`JSON_URL_${at}`] = `${url}/json`;
      const { alerts, metrics } = alertsOf(
        POLICY.replace('JSON_URL', `JSON_URL_${at}`).replace(/ {2}- { name: slack.*\n/, ''),
      );
      const nowMs = Date.now();
      await alerts.onEntries(`d${at}`, [denied(nowMs)], `${nowMs}-1`, nowMs);
      await until('it to be told or given up', async () => {
        await alerts.look(`d${at}`, nowMs);
        return (await redis.client.get(`tg:{d${at}}:alerts:read`)) !== null;
      });
      assert.equal(received.length, tries);
      assert.ok(received.every(({ path }) => path === '/json'));
      // A new series shows 0 first.
      await metrics.registry.metrics();
      const text = await metrics.registry.metrics();
      assert.equal(readMetric(text, 'tollgate_alerts_failed_total', '{route="json"}'), failed);
      alerts.close();
      await stop();
    };
    await Promise.all(cases.map(run));
  });

  test('names are text: in Slack no markup, in a shell no command', async () => {
    const { alerts } = alertsOf(POLICY);
    const nowMs = Date.now();
    const agent = "<!channel> & '`rm`";
    await alerts.onEntries('d', [denied(nowMs, agent)], `${nowMs}-1`, nowMs);
    await until('both routes to be told', () => receiver.received.length === 2);
    const [json, slack] = ['/json', '/slack'].map((at) =>
      receiver.received.find(({ path }) => path === at),
    );
    const day = new Date(nowMs).toISOString().slice(0, 10);
    assert.equal(
      bodyOf(json as Received)['explain'],
      `tollgate explain '<!channel> & '\\''\`rm\`' --day ${day}`,
    );
    assert.match(String(bodyOf(slack as Received)['text']), /&lt;!channel&gt; &amp; '`rm` of ops/);
    assert.doesNotMatch((slack as Received).body, /<!channel>/);
    alerts.close();
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

function denied(atMs: number, agent = 'a'): WatchedEntry {
  const facts = {
    ...{ callId: '', agent, team: 'ops', costCentre: '', instance: '', tool: 'search', model: '' },
    ...{ provider: '', operation: '', run: '', parentCallId: '', rootAgent: agent, depth: 0 },
    ...{ fingerprint: '', timestampMs: undefined, labels: {} },
  };
  return {
    ...{
      kind: 'denied',
      id: `${atMs}-0`,
      atMs,
      rule: 'loop-detection',
      partition: `agent=${agent}`,
    },
    ...{ facts, calls: 1, firstUs: atMs * 1000, lastUs: atMs * 1000, retryAtUs: 0, run: 'run-1' },
    asked: { costNano: 0, costSource: 'none', tokensIn: 0, tokensOut: 0 },
    askedAgain: { costNano: 0, tokensIn: 0, tokensOut: 0 },
    ...{ metric: 'calls', used: 5, limit: 5 },
  };
}
