import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fleet } from '../../src/keeper/fleet/fleet.js';
import { showFleet } from '../../src/keeper/fleet/gauges.js';
import { besideUsual, normalDays } from '../../src/keeper/fleet/normal.js';
import { NOTHING } from '../../src/model/amounts.js';
import type { DeniedEntry, SettledEntry } from '../../src/model/entry.js';
import { createMetrics } from '../../src/telemetry/metrics.js';
import { samplesNamed } from '../support/scraped.js';
import { settledAt } from '../support/settled.js';
import { spendOf } from '../support/spend.js';

const HOUR_MS = 3_600_000;
const NANO = 1_000_000_000n;
const DAY_MS = 86_400_000;
const DAY = Date.parse('2026-06-17T00:00Z');

/** Six weeks of $1 at 9 and at 15 o'clock; on the day so many times as much, or for a night agent before 9. */
function fleetOf(times: Readonly<Record<string, number>>): SettledEntry[] {
  const entries: SettledEntry[] = [];
  for (let ms = DAY - 42 * DAY_MS; ms <= DAY; ms += DAY_MS) {
    for (const hour of [9, 15]) {
      for (const [agent, factor] of Object.entries(times)) {
        const night = agent === 'night' && ms === DAY;
        const entry = settledAt(
          ms + (night ? 1 : hour) * HOUR_MS,
          agent,
          1e9 * (ms === DAY ? factor : 1),
        );
        // It has moved to another team.
        const team = ms < DAY - DAY_MS ? 'before' : 'now';
        entries.push({ ...entry, facts: { ...entry.facts, team } });
      }
    }
  }
  return entries.sort((a, b) => a.atMs - b.atMs);
}

/** The series of a family, by the agent. */
async function shown(fleet: Partial<Fleet>, family: string): Promise<Record<string, string>> {
  const metrics = createMetrics();
  const none = { windows: [], today: [], month: [], normal: [], halts: [], gates: [] };
  showFleet({ ...none, teamOf: () => '', ...fleet } as unknown as Fleet, metrics);
  const lines = (await metrics.registry.metrics()).split('\n');
  return Object.fromEntries(
    lines.flatMap((line) => {
      const [, agent, value] =
        new RegExp(`^${family}{agent="([^"]*)",team="now"} (.*)$`).exec(line) ?? [];
      return agent === undefined || value === undefined ? [] : [[agent, value]];
    }),
  );
}

test('what is usual is told of all agents, what is unusual of those for whom it is', async () => {
  const spend = spendOf(fleetOf({ usual: 1, fivefold: 5, night: 1 }));
  const { days } = await normalDays(spend, 'd', 'UTC', DAY + 12 * HOUR_MS);
  const spent: Record<string, bigint> = { usual: 1n, fivefold: 5n, night: 2n };
  const fleet = {
    normal: days.map((day) =>
      besideUsual(day, new Map([['now', NANO * (spent[day.agent] ?? 0n)]])),
    ),
  };
  const each = (value: string) => ({ usual: value, fivefold: value, night: value });
  assert.deepEqual(await shown(fleet, 'tollgate_spend_expected_usd'), each('1'));
  assert.deepEqual(await shown(fleet, 'tollgate_spend_normal_day_usd'), each('2'));
  assert.deepEqual(await shown(fleet, 'tollgate_spend_unusual_ratio'), {
    fivefold: '5',
    night: '2',
  });
});

test('the team of an agent is the one that most of its latest money went to; denied calls tell none', async () => {
  const entries = fleetOf({ usual: 1 });
  const later = (team: string, costNano: number, minutes: number) => {
    const entry = settledAt(DAY + 15 * HOUR_MS + minutes * 60_000, 'usual', costNano);
    return { ...entry, facts: { ...entry.facts, team, tool: `for ${team}` } };
  };
  const denied: DeniedEntry = {
    ...{ kind: 'denied', id: '2-0', atMs: DAY + 16 * HOUR_MS, rule: 'r', partition: 'all' },
    ...{ facts: later('', 0, 0).facts, calls: 9, asked: NOTHING, askedAgain: NOTHING },
    ...{ firstUs: 0, lastUs: 0, metric: undefined, used: 0, limit: 0, retryAtUs: 0, run: '' },
  };
  for (const order of [entries, [...entries].reverse()]) {
    const spend = spendOf([...order, later('small', 1e8, 1), later('large', 2e9, 2), denied]);
    const { days } = await normalDays(spend, 'd', 'UTC', DAY + 17 * HOUR_MS);
    assert.deepEqual(
      days.map(({ agent, team }) => [agent, team]),
      [['usual', 'large']],
    );
  }
});

test('an agent that spends for another team since its usual days were read is shown with that one', async () => {
  const { days } = await normalDays(spendOf(fleetOf({ usual: 1 })), 'd', 'UTC', DAY + 12 * HOUR_MS);
  const [usual] = days;
  assert.ok(usual);
  const shownWith = (spent: readonly (readonly [string, bigint])[]) => {
    const { team, actualNano } = besideUsual(usual, new Map(spent));
    return [team, actualNano];
  };
  assert.deepEqual(shownWith([]), ['now', 0n]);
  assert.deepEqual(
    shownWith([
      ['later', 2n],
      ['other', 1n],
    ]),
    ['later', 3n],
  );
  assert.deepEqual(
    shownWith([
      ['later', 2n],
      ['now', 1n],
    ]),
    ['now', 3n],
    'not to and fro',
  );
});

test('where nothing was expected yet the ratio is a number: to a tenth of a normal day', async () => {
  const spend = spendOf(fleetOf({ usual: 1, night: 1 }));
  const { days } = await normalDays(spend, 'd', 'UTC', DAY + 8 * HOUR_MS);
  const spent: Record<string, bigint> = { usual: 0n, night: 2n };
  const normal = days.map((day) =>
    besideUsual(day, new Map([['now', NANO * (spent[day.agent] ?? 0n)]])),
  );
  assert.deepEqual(await shown({ normal }, 'tollgate_spend_unusual_ratio'), { night: '10' });
});

test('only a window whose rule denies has a time until it is full, as far as anybody waits for it', async () => {
  const windowOf = (action: string) => ({
    ...{ domain: 'd', key: action, rule: action, partition: 'all', metric: 'estimated_cost_usd' },
    ...{ action, agent: 'a', team: '', used: 4e9, limit: 8e9, ratio: 0.5, exhaustionS: 90 },
  });
  const metrics = createMetrics();
  const none = { today: [], month: [], normal: [], halts: [], gates: [] };
  const windows = ['block', 'halt', 'alert', 'shadow'].map(windowOf);
  showFleet({ ...none, windows, teamOf: () => '' } as unknown as Fleet, metrics);
  const text = await metrics.registry.metrics();
  const rules = (name: string) => samplesNamed(text, name).map(({ labels }) => labels['rule']);
  assert.deepEqual(rules('tollgate_window_exhaustion_seconds'), ['block', 'halt']);
  assert.deepEqual(rules('tollgate_window_used'), ['block', 'halt', 'alert', 'shadow']);
});

test('windows of several domains with the same labels are added up; their ratio is the highest', async () => {
  const window = {
    ...({
      rule: 'r',
      partition: 'agent=a',
      metric: 'estimated_cost_usd',
      action: 'block',
    } as const),
    ...{ agent: 'a', team: 'now', used: 4e9, limit: 8e9, ratio: 0.5, exhaustionS: 90 },
  };
  const windows = [
    { ...window, domain: 'one', key: '1' },
    { ...window, domain: 'two', key: '2', used: 6e9, ratio: 0.75, exhaustionS: 30 },
  ];
  const metrics = createMetrics();
  const none = { today: [], month: [], normal: [], halts: [], gates: [] };
  showFleet({ ...none, windows, teamOf: () => '' } as unknown as Fleet, metrics);
  const text = await metrics.registry.metrics();
  const labels = 'rule="r",partition="agent=a",metric="estimated_cost_usd",agent="a",team="now"';
  for (const line of [
    `tollgate_window_used{${labels}} 10`,
    `tollgate_window_limit{${labels}} 16`,
    `tollgate_window_used_ratio{${labels}} 0.75`,
    `tollgate_window_exhaustion_seconds{${labels}} 30`,
  ]) {
    assert.ok(text.includes(`${line}\n`), line);
  }
});
