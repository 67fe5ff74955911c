import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { historyOf } from '../../src/demo/history.js';
import { randomOf } from '../../src/demo/random.js';
import { postingOf } from '../../src/model/spend.js';
import { growthOf } from '../../src/report/growth.js';
import { planOf } from '../support/plan.js';
import { testSeed } from '../support/seeded.js';

const WEEK_MS = 7 * 86_400_000;

/** Weekly totals in nano-dollars that grow so much, and vary by chance. */
function series(seed: number, weeks: number, perWeek: number, noise: number): bigint[] {
  const random = randomOf(seed);
  return Array.from({ length: weeks }, (_, i) =>
    BigInt(Math.round(5e10 * (1 + perWeek) ** i * random.factor(noise))),
  );
}

test('growth of 10% a week is named, flat series are not', (t) => {
  const seed = testSeed();
  const count = 1_000;
  const named = (perWeek: number, noise: number, weeks: number) =>
    Array.from({ length: count }, (_, i) =>
      growthOf(series(seed + i, weeks, perWeek, noise)),
    ).filter((growth) => growth !== undefined);
  const grown = named(0.1, 0.05, 8);
  const flat = [0.05, 0.1, 0.2, 0.4].map((noise) => named(0, noise, 8).length);
  const rates = grown.map(({ perWeek }) => perWeek).toSorted((a, b) => a - b);
  const [low = 0, high = 0] = [
    rates[Math.floor(rates.length * 0.05)],
    rates[Math.floor(rates.length * 0.95)],
  ];
  t.diagnostic(
    `seed ${seed}: ${grown.length} of ${count} that grow are named, nine in ten as ${(low * 100).toFixed(1)}% to ${(high * 100).toFixed(1)}%; of flat ones that vary by 5, 10, 20 and 40%: ${flat.join(', ')}`,
  );
  assert.ok(grown.length >= 0.98 * count, `seed ${seed}: ${grown.length}`);
  assert.ok(low > 0.06 && high < 0.14, `seed ${seed}: ${low} to ${high}`);
  for (const found of flat) assert.ok(found <= 0.05 * count, `seed ${seed}: ${found}`);
});

test('the growth of an agent whose calls grow by 10% a week is named', (t) => {
  const seed = testSeed();
  const histories = 20;
  let named = 0;
  for (let n = 0; n < histories; n += 1) {
    const plan = planOf(
      'lead-researcher',
      56,
      (dayStart) => [
        { kind: 'growth', agent: 'lead-researcher', fromMs: dayStart(0), perWeek: 0.1 },
      ],
      { callsPerDay: 300, callsPerTask: 2, noise: 0.1 },
    );
    const weekly = Array.from({ length: 8 }, () => 0n);
    for (const entry of historyOf(seed + n, plan)) {
      const week = Math.min(7, Math.floor((entry.atMs - plan.fromMs) / WEEK_MS));
      weekly[week] = (weekly[week] ?? 0n) + (postingOf(entry)?.sums.costNano ?? 0n);
    }
    const growth = growthOf(weekly);
    if (growth && growth.perWeek > 0.05 && growth.perWeek < 0.15) named += 1;
  }
  t.diagnostic(`seed ${seed}: ${named} of ${histories}`);
  // Chance may hide it now and then: about one in a hundred.
  assert.ok(named >= 0.9 * histories, `seed ${seed}: ${named} of ${histories}`);
});

describe('no growth is named', () => {
  const cases: Record<string, bigint[]> = {
    'of four weeks': [100n, 110n, 121n, 133n],
    'of a constant': [100n, 100n, 100n, 100n, 100n, 100n],
    'of a decline': [200n, 180n, 160n, 145n, 130n, 115n],
    'of a promotion in the last week': [100n, 101n, 99n, 100n, 100n, 400n],
    'of one step': [100n, 101n, 99n, 100n, 200n, 201n, 199n, 200n],
    'over a week without spend': [100n, 110n, 0n, 133n, 146n, 161n],
    'of nothing': [],
  };
  for (const [name, weekly] of Object.entries(cases)) {
    test(name, () => assert.equal(growthOf(weekly), undefined));
  }
});

test('growth that began after quiet weeks is named with its own weeks', () => {
  const flat = [100n, 102n, 98n, 101n, 99n, 100n, 100n];
  const growth = growthOf([...flat, 110n, 121n, 133n, 146n, 161n]);
  assert.ok(growth);
  assert.ok(growth.weeks >= 5 && growth.weeks <= 7);
  assert.ok(Math.abs(growth.perWeek - 0.1) < 0.01);
});

test('growth is named though one of its weeks jumps, as in the demo', () => {
  const weekly = [625n, 648n, 671n, 868n, 876n, 909n, 1_062n, 944n];
  const growth = growthOf(weekly);
  assert.equal(growth?.weeks, 8);
  assert.ok(Math.abs(growth.perWeek - 0.08) < 0.01);
});
