import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SettledEntry } from '../../src/model/entry.js';
import { unusualDay } from '../../src/report/unusual.js';
import { compareAgents, unusualAgents } from '../../src/report/watch.js';
import { settledAt } from '../support/settled.js';
import { spendOf } from '../support/spend.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const DAY = Date.parse('2026-06-17T00:00Z');

/** Six weeks and a day of agents that spend $1 at 9 and at 15 o'clock; on the day, so many times as much. */
function fleetOf(times: Readonly<Record<string, number>>): SettledEntry[] {
  const entries: SettledEntry[] = [];
  for (let ms = DAY - 42 * DAY_MS; ms <= DAY; ms += DAY_MS) {
    for (const hour of [9, 15]) {
      for (const [agent, factor] of Object.entries(times)) {
        const nano = 1e9 * (ms === DAY ? factor : 1);
        if (nano > 0) entries.push(settledAt(ms + hour * HOUR_MS, agent, nano));
      }
    }
  }
  return entries;
}

test('all unusual agents of a day are found, the largest excess first', async () => {
  const spend = spendOf(fleetOf({ usual: 1, twice: 2, less: 0.5, silent: 0, fivefold: 5 }));
  const found = await unusualAgents(spend, 'UTC', DAY, DAY + 2 * DAY_MS);
  assert.deepEqual(
    found.map(({ agent, unusual }) => [agent, unusual.ratio, unusual.firstHourMs]),
    [
      ['fivefold', 5, DAY + 9 * HOUR_MS],
      ['twice', 2, DAY + 9 * HOUR_MS],
    ],
  );
});

test('a day that goes on is compared with as much of the others', async () => {
  const spend = spendOf(fleetOf({ usual: 1, threefold: 3 }));
  const at = (hour: number) => unusualAgents(spend, 'UTC', DAY, DAY + hour * HOUR_MS);
  assert.deepEqual(await at(9), []);
  const [found, ...others] = await at(12);
  assert.equal(found?.agent, 'threefold');
  assert.equal(found?.unusual.expectedNano, 1_000_000_000n);
  assert.deepEqual(others, []);
});

test('of a day that goes on all agents with a history are compared, as each is by itself', async () => {
  const entries = fleetOf({ usual: 1, threefold: 3, silent: 0, idle: 1 });
  const young = entries.filter(
    ({ facts, atMs }) => facts.agent === 'threefold' && atMs >= DAY - 5 * DAY_MS,
  );
  const all = [
    // Idle has done nothing yet on the day; young has a week of history.
    ...entries.filter(({ facts, atMs }) => facts.agent !== 'idle' || atMs < DAY),
    ...young.map((entry) => ({ ...entry, facts: { ...entry.facts, agent: 'young', team: 't' } })),
  ].sort((a, b) => a.atMs - b.atMs);
  const nowMs = DAY + 12 * HOUR_MS;
  const compared = await compareAgents(spendOf(all), 'UTC', DAY, nowMs);
  assert.deepEqual(compared.map(({ agent }) => agent).sort(), [
    'idle',
    'silent',
    'threefold',
    'usual',
    'young',
  ]);
  for (const { agent, unusual } of compared) {
    const hourly = new Map<number, bigint>();
    for (const { facts, atMs, settled } of all) {
      const hourMs = Math.floor(atMs / HOUR_MS) * HOUR_MS;
      if (facts.agent !== agent) continue;
      hourly.set(hourMs, (hourly.get(hourMs) ?? 0n) + BigInt(settled.costNano));
    }
    assert.deepEqual(unusual, unusualDay(hourly, 'UTC', DAY, nowMs), agent);
  }
  const idle = compared.find(({ agent }) => agent === 'idle')?.unusual;
  assert.deepEqual(
    [idle?.actualNano, idle?.expectedNano, idle?.normalNano],
    [0n, 10n ** 9n, 2n * 10n ** 9n],
  );
});
