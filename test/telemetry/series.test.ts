import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Registry } from 'prom-client';
import { createFamilies } from '../../src/telemetry/families.js';
import { createMetrics } from '../../src/telemetry/metrics.js';
import { createScrapers } from '../../src/telemetry/scrapers.js';
import { samplesNamed } from '../support/scraped.js';

/** Families with room for so many series, and what overflowed. */
function families(maxSeries: number) {
  const clock = { nowMs: 0 };
  const scrapers = createScrapers(() => clock.nowMs);
  const registry = new Registry();
  const overflowed: Record<string, number> = {};
  const all = createFamilies(
    registry,
    maxSeries,
    (family, times) => {
      overflowed[family] = (overflowed[family] ?? 0) + times;
    },
    scrapers,
  );
  /** Label values and value of each series, as scraped. */
  const scrape = async (name: string, by = 'prometheus', isLost = false) => {
    const one = scrapers.begin(by);
    const text = await one.as(() => registry.getSingleMetricAsString(name));
    if (isLost) one.lost();
    return samplesNamed(text, name).map(({ labels, value }) => [...Object.values(labels), value]);
  };
  return { ...all, overflowed, clock, scrape };
}

describe('counters by label', () => {
  test('a series shows 0 at its first scrape and its value from the second on', async () => {
    const { counters, scrape } = families(10);
    const calls = counters('calls_total', 'x', ['agent']);
    calls.inc({ agent: 'a' }, 5);
    assert.deepEqual(await scrape('calls_total'), [['a', 0]]);
    calls.inc({ agent: 'a' }, 2);
    calls.inc({ agent: 'b' }, 0);
    assert.deepEqual(await scrape('calls_total'), [
      ['a', 7],
      ['b', 0],
    ]);
    calls.inc({ agent: 'b' });
    assert.deepEqual(await scrape('calls_total'), [
      ['a', 7],
      ['b', 1],
    ]);
  });

  test('a scrape that nobody got shows 0 again, of what it was the first to show', async () => {
    const { counters, scrape } = families(10);
    const calls = counters('calls_total', 'x', ['agent']);
    const values = async (isLost: boolean) =>
      (await scrape('calls_total', 'one', isLost)).map((row) => row.at(-1));
    calls.inc({ agent: 'old' }, 5);
    assert.deepEqual([await values(false), await values(false)], [[0], [5]]);
    calls.inc({ agent: 'new' }, 7);
    assert.deepEqual(
      [await values(true), await values(true)],
      [
        [5, 0],
        [5, 0],
      ],
    );
    assert.deepEqual(
      [await values(false), await values(false)],
      [
        [5, 0],
        [5, 7],
      ],
    );
  });

  test('each scraper sees a series begin at 0, and one that comes late what it is', async () => {
    const { counters, scrape, clock } = families(10);
    const calls = counters('calls_total', 'x', ['agent']);
    const value = async (by: string) => (await scrape('calls_total', by)).map((row) => row.at(-1));
    calls.inc({ agent: 'a' }, 5);
    assert.deepEqual([await value('one'), await value('one')], [[0], [5]]);
    clock.nowMs += 60_000;
    assert.deepEqual([await value('two'), await value('two')], [[0], [5]], 'a minute later');
    clock.nowMs += 600_000;
    assert.deepEqual([await value('late'), await value('late')], [[5], [5]]);
    calls.inc({ agent: 'b' }, 7);
    for (const by of ['one', 'two', 'late']) {
      assert.deepEqual(
        [await value(by), await value(by)],
        [
          [5, 0],
          [5, 7],
        ],
      );
      clock.nowMs += 600_000;
    }
  });

  test('scrapers past the bound share what they have seen', async () => {
    const { counters, scrape } = families(10);
    const calls = counters('calls_total', 'x', ['agent']);
    calls.inc({ agent: 'a' }, 5);
    const first: unknown[] = [];
    for (let n = 0; n < 40; n += 1) first.push((await scrape('calls_total', `s${n}`))[0]?.at(-1));
    assert.deepEqual(first, [...Array(30).fill(0), ...Array(10).fill(5)]);
  });

  test('money is exact: ten thousand times a nano-dollar, beside a million', async () => {
    const { usd, scrape } = families(10);
    const spend = usd('spend_usd_total', 'x', ['agent']);
    spend.inc({ agent: 'a' }, 1e15);
    for (let n = 0; n < 10_000; n += 1) spend.inc({ agent: 'a' }, 1);
    await scrape('spend_usd_total');
    assert.deepEqual(await scrape('spend_usd_total'), [['a', 1_000_000.00001]]);
  });

  test('past the bound, what agents choose is "other"; what the policy says stays; nothing is lost', async () => {
    const { counters, scrape, overflowed } = families(10);
    const denials = counters('denials_total', 'x', ['agent', 'team', 'rule']);
    for (let n = 0; n < 50; n += 1) {
      for (const rule of ['cap', 'loop']) denials.inc({ agent: `a${n}`, team: 't', rule }, n);
    }
    await scrape('denials_total');
    const rows = await scrape('denials_total');
    assert.equal(rows.length, 10);
    const others = rows.filter(([agent]) => agent === 'other');
    assert.deepEqual(
      others.map(([, team, rule]) => [team, rule]),
      [
        ['other', 'cap'],
        ['other', 'loop'],
      ],
    );
    const sum = rows.reduce((total, row) => total + Number(row.at(-1)), 0);
    assert.equal(sum, 2 * ((49 * 50) / 2));
    assert.equal(overflowed['denials_total'], 100 - 8);
    denials.inc({ agent: 'a0', team: 't', rule: 'cap' });
    assert.equal(overflowed['denials_total'], 100 - 8, 'a series that is there stays its own');
  });

  test('labels that the program or the policy sets have no bound', async () => {
    const { counters, scrape, overflowed } = families(10);
    const refused = counters('refused_total', 'x', ['code']);
    for (let n = 0; n < 20; n += 1) refused.inc({ code: String(n) });
    assert.equal((await scrape('refused_total')).length, 20);
    assert.deepEqual(overflowed, {});
  });

  test('hostile names come out as they went in, and merge with no other', async () => {
    const names = ['a"} 1', '\\', '\\n', 'ü'.repeat(128), '__proto__', 'constructor', 'other', '{'];
    const { counters, scrape } = families(20);
    const calls = counters('calls_total', 'x', ['agent', 'tool']);
    for (const agent of names) for (const tool of ['', 'x']) calls.inc({ agent, tool });
    await scrape('calls_total');
    assert.deepEqual(
      await scrape('calls_total'),
      names.flatMap((agent) => ['', 'x'].map((tool) => [agent, tool, 1])),
    );
  });
});

describe('gauges by label, replaced whole', () => {
  const rows = (n: number) =>
    Array.from({ length: n }, (_, i) => ({ labels: { agent: `a${i}`, rule: 'r' }, value: i }));

  test('what is set is all there is', async () => {
    const { gauges, scrape } = families(10);
    const used = gauges('used', 'x', ['agent', 'rule'], 'sum');
    used.set(rows(3));
    used.set([{ labels: { agent: 'b', rule: 'r' }, value: 7 }]);
    assert.deepEqual(await scrape('used'), [['b', 'r', 7]]);
    used.set([]);
    assert.deepEqual(await scrape('used'), []);
  });

  test('past the bound the largest stay, and the rest is summed up or left out', async () => {
    const { gauges, scrape, overflowed } = families(10);
    gauges('used', 'x', ['agent', 'rule'], 'sum').set(rows(15));
    gauges('ratio', 'x', ['agent', 'rule'], 'drop').set(rows(15));
    const used = await scrape('used');
    assert.deepEqual(
      used.map(([agent]) => agent),
      ['a14', 'a13', 'a12', 'a11', 'a10', 'a9', 'a8', 'a7', 'a6', 'other'],
    );
    assert.deepEqual(used.at(-1), ['other', 'r', 0 + 1 + 2 + 3 + 4 + 5]);
    const ratio = await scrape('ratio');
    assert.deepEqual([ratio.length, ratio.at(-1)], [10, ['a5', 'r', 5]]);
    assert.deepEqual(overflowed, { used: 6, ratio: 5 });
  });

  test('a rank other than the value says who stays', async () => {
    const { gauges, scrape } = families(10);
    const ranked = rows(15).map((row) => ({ ...row, rank: -row.value }));
    gauges('left', 'x', ['agent', 'rule'], 'drop').set(ranked);
    assert.deepEqual((await scrape('left'))[0], ['a0', 'r', 0]);
  });
});

describe('the catalogue', () => {
  test('a role shows its own metrics and those of both', async () => {
    const shown = async (role: 'gate' | 'keeper') => {
      const text = await createMetrics({ roles: [role] }).registry.metrics();
      return ['calls_total', 'ledger_lag_seconds', 'store_up', 'build_info'].filter((name) =>
        text.includes(`# HELP tollgate_${name} `),
      );
    };
    assert.deepEqual(await shown('gate'), ['calls_total', 'store_up', 'build_info']);
    assert.deepEqual(await shown('keeper'), ['ledger_lag_seconds', 'store_up', 'build_info']);
  });

  test('what overflowed is counted by family, known at 0 before', async () => {
    const { registry, calls } = createMetrics({ gateSeries: 10, keeperSeries: 10 });
    const overflow = async () =>
      samplesNamed(await registry.metrics(), 'tollgate_series_overflow_total').find(
        ({ labels }) => labels['family'] === 'tollgate_calls_total',
      )?.value;
    assert.equal(await overflow(), 0);
    const of = { agent: 'a', team: '', cost_centre: '', model: '' };
    for (let n = 0; n < 12; n += 1) calls.inc({ ...of, tool: `t${n}` });
    assert.equal(await overflow(), 3);
  });
});
