import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { createWindowsSeen } from '../../src/guard/windows-seen.js';
import type { Decision } from '../../src/model/decision.js';
import { parsePolicy } from '../../src/policy/parse.js';
import type { Connection } from '../../src/redis/connection.js';
import { windowsKey } from '../../src/store/keys.js';
import { tellWindows, type WindowNote } from '../../src/store/windows.js';
import { createLog } from '../../src/telemetry/log.js';
import { callOf } from '../support/call.js';
import { NO_REDIS, startRedis } from '../support/redis.js';
import { openStore } from '../support/store.js';

const NOW_US = 1_790_000_000_000_000;

const POLICY = parsePolicy(`
rules:
  - { id: budget, action: block, match: { agent: "*" }, rateLimit: { limit: 50, window: 1h } }
  - { id: daily, action: alert, match: { agent: "*" }, rateLimit: { limit: 50, window: { calendar: day } } }
`);

/** A gate's side of it, on a connection that notes what is told. */
function seenBy() {
  if ('errors' in POLICY) throw new Error(JSON.stringify(POLICY.errors));
  mock.timers.enable({ apis: ['setInterval'] });
  const told: WindowNote[] = [];
  const state = { fails: false };
  const run: Connection['run'] = async (_script, _keys, [, ...args]) => {
    if (state.fails) throw new Error('away');
    for (let at = 1; at < args.length; at += 2) told.push(JSON.parse(String(args[at])));
    return [args.length / 2, 0];
  };
  const connection = { ready: () => true, run } as unknown as Connection;
  const policy = POLICY;
  const windows = createWindowsSeen(connection, () => policy, createLog('silent', 'json'));
  const see = (
    agent: string,
    atUs: number,
    limit = 50,
    rule = 'budget',
    used = 1,
    action = 'block',
  ) => {
    const calendar = rule === 'daily' ? 'day in UTC' : '';
    const windowUs = rule === 'daily' ? undefined : 3_600e6;
    const counted = { metric: 'calls', limit, granted: limit - 50, windowUs, calendar } as const;
    const window = { used, resetAfterUs: 0, nearLimit: false, raised: [], quietUntilUs: 0 };
    const status = { ruleId: rule, action, partition: `agent=${agent}`, counted, window };
    const decision = { decidedAtUs: atUs, policyHash: policy.hash, rules: [status] };
    windows.seen(callOf({ agent }), decision as unknown as Decision);
  };
  /** A second passes, and what it tells is told. */
  const second = async (): Promise<WindowNote[]> => {
    mock.timers.tick(1_000);
    await new Promise((resolve) => setImmediate(resolve));
    return told.splice(0);
  };
  return { see, second, state, close: () => windows.close() };
}

test('a window is told when it is first seen, when its limit changes, and after a minute of use', async (t) => {
  t.after(() => mock.timers.reset());
  const { see, second, state, close } = seenBy();
  for (let n = 0; n < 100; n += 1) see('a', NOW_US + n);
  const [first, ...others] = await second();
  assert.deepEqual(others, []);
  assert.ok(first);
  const untilMs = first.untilMs - NOW_US / 1000;
  assert.deepEqual([first.rule, first.partition, first.limit], ['budget', 'agent=a', 50]);
  assert.ok(
    untilMs >= 3_600_000 + 60_000 + 60_000,
    'an hour, a slice, and a minute in which it is not told',
  );
  see('a', NOW_US + 59e6);
  assert.deepEqual(await second(), []);
  see('a', NOW_US + 59e6, 70);
  assert.deepEqual(
    (await second()).map(({ limit, granted }) => [limit, granted]),
    [[70, 20]],
  );
  see('a', NOW_US + 119e6, 70);
  assert.equal((await second()).length, 1);
  see('empty', NOW_US, 50, 'budget', 0);
  assert.deepEqual(await second(), [], 'nothing is in it');
  state.fails = true;
  see('b', NOW_US);
  assert.deepEqual(await second(), []);
  state.fails = false;
  assert.deepEqual(await second(), [], 'with its next use');
  see('b', NOW_US + 1e6);
  assert.equal((await second()).length, 1);
  await close();
});

test('a rule that begins to deny, as when mode: shadow ends, is told at once', async (t) => {
  t.after(() => mock.timers.reset());
  const { see, second, close } = seenBy();
  see('a', NOW_US, 50, 'budget', 1, 'shadow');
  see('a', NOW_US + 1e6, 50, 'budget', 1, 'shadow');
  see('a', NOW_US + 2e6, 50, 'budget', 1, 'block');
  assert.deepEqual(
    (await second()).map(({ action }) => action),
    ['block'],
  );
  see('a', NOW_US + 3e6, 50, 'budget', 1, 'shadow');
  assert.deepEqual(
    (await second()).map(({ action }) => action),
    ['shadow'],
  );
  await close();
});

test('a day that begins is told at once', async (t) => {
  t.after(() => mock.timers.reset());
  const { see, second, close } = seenBy();
  const midnightUs = Date.UTC(2026, 9, 1) * 1000;
  see('a', midnightUs - 5e6, 50, 'daily');
  const [before] = await second();
  see('a', midnightUs + 5e6, 50, 'daily');
  const [after] = await second();
  assert.ok(before && after);
  assert.ok(before.untilMs >= midnightUs / 1000 && after.untilMs > before.untilMs + 80_000_000);
  await close();
});

test('at most 500 are told in a second, and 10,000 remembered', async (t) => {
  t.after(() => mock.timers.reset());
  const { see, second, close } = seenBy();
  for (let n = 0; n < 12_000; n += 1) see(`agent-${n}`, NOW_US);
  const counts: number[] = [];
  for (let n = 0; n < 21; n += 1) counts.push((await second()).length);
  assert.deepEqual(counts, [...Array(20).fill(500), 0]);
  see('agent-11999', NOW_US);
  assert.deepEqual(await second(), []);
  see('agent-0', NOW_US);
  assert.equal((await second()).length, 1, 'it was forgotten');
  await close();
});

test('of a list that is full only windows that it has are told', { skip: NO_REDIS }, async () => {
  const redis = await startRedis();
  const { connection } = await openStore(redis.url);
  const note = { rule: 'r', partition: 'p' } as unknown as WindowNote;
  const some = (from: number, count: number) =>
    Array.from({ length: count }, (_, i): [string, WindowNote] => [`w${from + i}`, note]);
  assert.equal(await tellWindows(connection, 'd', some(0, 19_990)), 0);
  assert.equal(await tellWindows(connection, 'd', some(19_980, 30)), 10);
  assert.equal(await redis.client.hlen(windowsKey('d')), 20_000);
  connection.close();
  await redis.stop();
});
