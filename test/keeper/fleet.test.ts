import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Channel } from '../../src/client/channel.js';
import type { Fleet, FleetWindow } from '../../src/keeper/fleet/fleet.js';
import { showFleet } from '../../src/keeper/fleet/gauges.js';
import { type FleetWatch, watchFleet } from '../../src/keeper/fleet/watch-fleet.js';
import { type Keeper, startKeeper } from '../../src/keeper/keeper.js';
import { usdFromNano } from '../../src/model/money.js';
import { parsePolicy } from '../../src/policy/parse.js';
import type { Policy } from '../../src/policy/policy.js';
import type { Connection } from '../../src/redis/connection.js';
import { BATCH } from '../../src/store/fold.js';
import { bornKey, GATES_KEY, windowsKey } from '../../src/store/keys.js';
import { createLosses } from '../../src/store/losses.js';
import { ordersOf } from '../../src/store/orders.js';
import { createLog } from '../../src/telemetry/log.js';
import { createMetrics } from '../../src/telemetry/metrics.js';
import { NO_REDIS, type RedisProcess, startRedis } from '../support/redis.js';
import { tollgate } from '../support/run.js';
import { scratchFolder, writeScratch } from '../support/scratch.js';
import { type SidecarProcess, spawnSidecar } from '../support/sidecar.js';
import { openStore } from '../support/store.js';
import { until } from '../support/until.js';

/** Long enough for a loaded machine. */
const TIMEOUT_MS = 5_000;

const POLICY = `
timezone: Asia/Singapore
rules:
  - id: budget
    action: block
    match: { agent: "*" }
    rateLimit: { metric: estimated_cost_usd, limit: 2, window: 1h }
  - id: team-budget
    action: alert
    per: [team]
    rateLimit: { metric: estimated_cost_usd, limit: 100, window: { calendar: month } }
  - id: tokens
    action: alert
    per: []
    rateLimit: { metric: tokens, limit: 100000, window: 24h }
  - id: per-run
    action: alert
    per: [run]
    rateLimit: { limit: 40, window: 1h }
  - id: no-more
    action: halt
    match: { agent: looper }
    haltFor: 1h
    rateLimit: { limit: 3, window: 1m }
  - id: nothing
    action: alert
    match: { agent: silent }
    rateLimit: { metric: estimated_cost_usd, limit: 0, window: 1h }
`;

/** A name with what partitions and metrics escape. */
const ODD = 'a,b=c%"\\';

function policyOf(text: string): Policy {
  const policy = parsePolicy(text);
  if ('errors' in policy) throw new Error(JSON.stringify(policy.errors));
  return policy;
}

describe('how the fleet stands', { skip: NO_REDIS }, () => {
  const folder = scratchFolder();
  const policy = policyOf(POLICY);
  const log = createLog('silent', 'json');
  const metrics = createMetrics();
  let redis: RedisProcess;
  let gates: SidecarProcess[];
  let keeper: Keeper;
  let watch: FleetWatch;
  let connection: Connection;
  let env: Record<string, string>;

  before(async () => {
    redis = await startRedis();
    env = { REDIS_URL: redis.url, TOLLGATE_POLICY: writeScratch(folder, POLICY) };
    ({ connection } = await openStore(redis.url));
    gates = await Promise.all([1, 2].map(() => spawnSidecar(env, ['--role', 'gate'])));
    keeper = startKeeper({
      connection: (await openStore(redis.url)).connection,
      policy: () => policy,
      sink: undefined,
      batch: BATCH,
      losses: createLosses(metrics, log),
      metrics,
      log,
    });
    watch = watchFleet({
      connection: (await openStore(redis.url)).connection,
      policy: () => policy,
      log,
      restMs: 50,
      onFleet: (fleet) => showFleet(fleet, metrics),
    });
    await traffic();
  });
  after(async () => {
    await watch.close();
    await keeper.close();
    connection.close();
    await Promise.all(gates.map((gate) => gate.stop()));
    await redis.stop();
  });

  /** Calls of two agents on two gates: settled, open, denied, of a halted agent, of many runs. */
  async function traffic(): Promise<void> {
    const [one, two] = gates.map(({ channel }) => channel);
    assert.ok(one && two);
    const writer = { agent_id: 'writer', team_id: 'press', cost_centre: 'cc-1' };
    for (let n = 0; n < 6; n += 1) {
      const gate: Channel = n % 2 === 0 ? one : two;
      const call = { ...writer, call_id: `w${n}`, model: 'gpt-4o', run_id: `run-${n}` };
      const asked = { tokens_in: 100, max_tokens_out: 50, estimated_cost: 0.25 };
      assert.equal(
        (await gate.authorize({ ...call, ...asked }, TIMEOUT_MS)).verdict,
        'VERDICT_ALLOW',
      );
      // The last one stays open.
      if (n === 5) break;
      const used = { tokens_in: 100, tokens_out: 20, cost: 0.123456789 + n / 10 };
      await gate.settle({ call_id: `w${n}`, agent_id: 'writer', ...used }, TIMEOUT_MS);
    }
    const expensive = { ...writer, tool: 'search', call_id: 'dear', estimated_cost: 1.5 };
    for (let n = 0; n < 5; n += 1) await one.authorize(expensive, TIMEOUT_MS);
    await two.authorize({ ...expensive, call_id: 'dear too' }, TIMEOUT_MS);
    for (let n = 0; n < 5; n += 1) {
      await two.authorize({ agent_id: 'looper', run_id: 'loop', call_id: `l${n}` }, TIMEOUT_MS);
    }
    await one.authorize({ agent_id: 'silent', estimated_cost: 0.5, final: true }, TIMEOUT_MS);
    const odd = { agent_id: ODD, tool: 'x{y}', estimated_cost: 0.01 };
    await one.authorize({ ...odd, final: true }, TIMEOUT_MS);
  }

  /** The fleet, once something holds of it. */
  async function fleetWhen(what: string, holds: (fleet: Fleet) => boolean): Promise<Fleet> {
    await until(what, () => {
      const fleet = watch.current();
      return fleet !== undefined && holds(fleet);
    });
    const fleet = watch.current();
    assert.ok(fleet);
    return fleet;
  }

  const windowOf = ({ windows }: Fleet, rule: string, partition: string): FleetWindow | undefined =>
    windows.find((one) => one.rule === rule && one.partition === partition);

  const told = (fleet: Fleet) =>
    fleet.windows.length >= 13 && fleet.today.reduce((sum, { sums }) => sum + sums.denied, 0) === 8;

  test('today and this month are what report says, to the nano-dollar', async () => {
    const fleet = await fleetWhen('all to be told', told);
    const by = ['agent', 'team', 'costCentre', 'tool', 'model'] as const;
    for (const [period, rows] of [
      [['--day', 'today'], fleet.today.map(({ who, sums }) => ({ who, nano: sums.costNano }))],
      [[], fleet.month.map(({ who, costNano }) => ({ who, nano: costNano }))],
    ] as const) {
      const args = ['report', ...period, '--by', by.join(','), '--json'];
      const report = JSON.parse((await tollgate(args, env)).out);
      const reported = report.rows.map(
        (row: Record<string, string>) =>
          [
            by.map((name) => row[name]).join('|'),
            BigInt(Math.round(Number(row['costUsd']) * 1e9)),
          ] as const,
      );
      const ours = rows.map(
        ({ who, nano }) => [by.map((name) => who[name]).join('|'), nano] as const,
      );
      assert.deepEqual(new Map(ours), new Map(reported));
      assert.equal(ours.length, 5);
    }
  });

  test('windows have what inspect says, and its limit', async () => {
    const fleet = await fleetWhen('all to be told', told);
    const [gate] = gates;
    assert.ok(gate);
    let compared = 0;
    for (const agent_id of ['writer', 'silent', ODD]) {
      const team_id = agent_id === 'writer' ? 'press' : '';
      const asked = { agent_id, team_id, run_id: 'run-0' };
      const { rules } = await gate.channel.inspect({ ...asked, estimated_cost: 0 }, TIMEOUT_MS);
      for (const { rule_id, partition, used, limit, metric } of rules) {
        // What counts calls would count this one.
        if (metric !== 'METRIC_ESTIMATED_COST_USD' && metric !== 'METRIC_TOKENS') continue;
        const window = windowOf(fleet, rule_id, partition);
        const unit = metric === 'METRIC_TOKENS' ? 1 : 1e9;
        if (!window) assert.equal(used, 0, `${rule_id} ${partition}`);
        else assert.deepEqual([window.used / unit, window.limit / unit], [used, limit]);
        compared += 1;
      }
    }
    assert.ok(compared >= 9, String(compared));
    assert.equal(windowOf(fleet, 'per-run', 'run=loop')?.used, 3);
    const { limit, ratio, used } = windowOf(fleet, 'nothing', 'agent=silent') ?? {};
    assert.deepEqual([limit, ratio, used], [0, undefined, 500_000_000], 'no ratio to nothing');
  });

  test('the metrics say it: by agent, and of runs only the fullest window', async () => {
    await fleetWhen('all to be told', told);
    const text = await metrics.registry.metrics();
    const series = (family: string) =>
      text
        .split('\n')
        .filter((line) => line.startsWith(`${family}{`) || line.startsWith(`${family} `));
    assert.deepEqual(
      series('tollgate_window_used').filter((line) => line.includes('per-run')),
      [
        'tollgate_window_used{rule="per-run",partition="fullest",metric="calls",agent="looper",team=""} 3',
      ],
    );
    assert.doesNotMatch(text, /run-\d|="loop"|Infinity|NaN/);
    assert.deepEqual(
      series('tollgate_window_used_ratio').filter((line) => line.includes('"nothing"')),
      [],
    );
    assert.ok(
      series('tollgate_spend_today_usd').includes(
        `tollgate_spend_today_usd{agent="writer",team="press",cost_centre="cc-1",tool="",model="gpt-4o"} ${usdFromNano(1_617_283_945)}`,
      ),
      series('tollgate_spend_today_usd').join('\n'),
    );
    const denied = '{agent="writer",team="press"}';
    assert.deepEqual(
      series('tollgate_denied_today_usd').filter((l) => l.includes('writer')),
      [`tollgate_denied_today_usd${denied} 3`],
      'a call that is asked five times is denied once as money',
    );
    assert.deepEqual(
      series('tollgate_denied_today_calls').filter((l) => l.includes('writer')),
      [`tollgate_denied_today_calls${denied} 6`],
    );
    assert.deepEqual(series('tollgate_halted'), [
      'tollgate_halted{agent="looper",team="",rule="no-more"} 1',
    ]);
    assert.deepEqual(
      [...series('tollgate_gates'), ...series('tollgate_gate_policies')],
      ['tollgate_gates 2', 'tollgate_gate_policies 1'],
    );
  });

  test('a denial tells of the window and the run, at once', async () => {
    const { out } = await tollgate(['export'], env);
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const denied = lines.filter(({ kind, agentId }) => kind === 'denied' && agentId === 'looper');
    assert.deepEqual(
      denied.map(({ rule, metric, used, limit, lastRunId }) => [
        rule,
        metric,
        used,
        limit,
        lastRunId,
      ]),
      [
        ['no-more', 'calls', 3, 3, 'loop'],
        ['halt', undefined, undefined, undefined, 'loop'],
      ],
    );
    const halted = lines.find(({ kind }) => kind === 'halted');
    for (const { retryAtUs } of denied) assert.equal(retryAtUs, halted.untilUs);
  });

  test('grants and resumes show without a call; a policy that changes shows as drift', async () => {
    const orders = ordersOf(connection, 'default', 1_000);
    const grant = { agent: 'writer', rule: 'budget', add: 5_000_000_000, by: 'test', why: 'test' };
    await orders.grant(grant, 3_600e6);
    await orders.resume('looper', 'test');
    const other = writeScratch(folder, POLICY.replace('limit: 40', 'limit: 41'));
    const drifted = await spawnSidecar({ ...env, TOLLGATE_POLICY: other }, ['--role', 'gate']);
    const fleet = await fleetWhen(
      'all of it',
      ({ halts, gates: there, windows }) =>
        halts.length === 0 &&
        there.length === 3 &&
        windows.some(({ rule, limit }) => rule === 'budget' && limit === 7e9),
    );
    assert.equal(new Set(fleet.gates.map(({ policy: hash }) => hash)).size, 2);
    assert.equal(windowOf(fleet, 'budget', 'agent=silent')?.limit, 2e9, 'nobody else');
    await drifted.stop();
    await fleetWhen('it to have taken its leave', ({ gates: there }) => there.length === 2);
  });

  test('windows that have slid out, what nobody can read, and gates that are gone are dropped', async () => {
    const key = windowsKey('default');
    const before = await redis.client.hlen(key);
    const [field = ''] = await redis.client.hkeys(key);
    const note = JSON.parse((await redis.client.hget(key, field)) ?? '{}');
    await redis.client.hset(key, 'old', JSON.stringify({ ...note, untilMs: Date.now() - 1 }));
    await redis.client.hset(key, 'torn', '{"rule":');
    await redis.client.hset(
      key,
      'odd',
      JSON.stringify({ ...note, windowUs: undefined, calendar: 'x' }),
    );
    await redis.client.hset(GATES_KEY, 'gone', JSON.stringify({ atMs: Date.now() - 7_200_000 }));
    await redis.client.hset(GATES_KEY, 'late', JSON.stringify({ atMs: Date.now() - 30_000 }));
    await until('them to be dropped', async () => (await redis.client.hlen(key)) === before);
    await until('the gate too', async () => (await redis.client.hexists(GATES_KEY, 'gone')) === 0);
    assert.equal(await redis.client.hexists(GATES_KEY, 'late'), 1);
    assert.equal(watch.current()?.gates.length, 2);
  });
});

test('a keeper without a gate says that Redis can evict, and that it has lost its keys', {
  skip: NO_REDIS,
}, async () => {
  const redis = await startRedis('--maxmemory-policy', 'allkeys-lru');
  const keeper = await spawnSidecar({ REDIS_URL: redis.url }, ['--role', 'keeper']);
  try {
    await until(
      'the look at Redis',
      async () => (await keeper.metric('tollgate_store_can_evict')) === 1,
    );
    await until('the fleet to be read', async () =>
      (await (await keeper.ops('/metrics')).text()).includes('tollgate_gates 0\n'),
    );
    const commands = () => redis.client.info('commandstats');
    // The last that it does with a domain.
    await until('its domain to be known', async () =>
      (await commands()).includes('cmdstat_xtrim:'),
    );
    // It looks at each reconnect, so the test need not wait for its rhythm.
    const reconnect = () => redis.client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await reconnect();
    await until('its birth to be read', async () => (await commands()).includes('cmdstat_get:'));
    await redis.client.set(bornKey('default'), 'another');
    await reconnect();
    const resets = () => keeper.metric('tollgate_store_resets_total');
    await until('it to be seen', async () => (await resets()) === 1);
    await until('the fleet to be read', async () => {
      return (await keeper.metric('tollgate_fleet_age_seconds')) < 60;
    });
  } finally {
    await keeper.stop();
    await redis.stop();
  }
});

test('a keeper that has never read Redis shows no fresh fleet', async () => {
  // Nobody listens there.
  const keeper = await spawnSidecar({ REDIS_URL: 'redis://127.0.0.1:1' }, ['--role', 'keeper']);
  try {
    const text = await (await keeper.ops('/metrics')).text();
    assert.match(text, /^tollgate_fleet_age_seconds \+Inf$/m);
  } finally {
    await keeper.stop();
  }
});
