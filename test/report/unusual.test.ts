import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { randomOf } from '../../src/demo/random.js';
import type { Rhythm } from '../../src/demo/rhythm.js';
import { dayStartsMs } from '../../src/policy/days.js';
import { comparisonOf } from '../../src/report/comparison.js';
import { dailyOf, unusualDay, unusualIn } from '../../src/report/unusual.js';
import { testSeed } from '../support/seeded.js';
import { type SeriesPlan, seriesOf } from '../support/series.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const TIMEZONE = 'Europe/Berlin';

/** Eight weeks in which clocks are put back; they begin on a Monday. */
const [FROM_MS, TO_MS] = ['2026-09-06T22:00Z', '2026-11-01T23:00Z'].map((at) => Date.parse(at)) as [
  number,
  number,
];
const DAYS = dayStartsMs(TIMEZONE, FROM_MS, TO_MS);

const RHYTHMS: readonly Rhythm[] = ['office', 'customers', 'nightly', 'weekly', 'steady'];

/** Days on which the agent works as on a normal one. */
function isWorkday(rhythm: Rhythm, index: number): boolean {
  const weekday = index % 7;
  if (rhythm === 'weekly') return weekday === 0;
  return rhythm !== 'office' || weekday < 5;
}

test('days of four times the spend are found, and few others', (t) => {
  const seed = testSeed();
  const comparisons = DAYS.map((dayMs) => comparisonOf(TIMEZONE, dayMs, TO_MS));
  const histories = 200;
  const missed: string[] = [];
  let late = 0;
  let falseDays = 0;
  let falseHours = 0;
  for (let i = 0; i < histories; i += 1) {
    const random = randomOf(seed, 'plan', i);
    const rhythm = RHYTHMS[i % RHYTHMS.length] ?? 'office';
    const workdays = DAYS.flatMap((_, at) => (at >= 21 && isWorkday(rhythm, at) ? [at] : []));
    const planted = workdays[random.below(workdays.length)] ?? 0;
    const plan: SeriesPlan = {
      rhythm,
      callsPerDay: 60 + random.below(400),
      noise: 0.15,
      timezone: TIMEZONE,
      fromMs: FROM_MS,
      toMs: TO_MS,
      times: (ms) => (ms >= (DAYS[planted] ?? 0) && ms < (DAYS[planted + 1] ?? TO_MS) ? 4 : 1),
    };
    const hours = seriesOf(seed + i, plan);
    for (const [at, comparison] of comparisons.entries()) {
      const days = dailyOf(hours, comparison);
      const whole = unusualIn(comparison, { days, hours });
      // As a watch would see it, hour by hour.
      const { startMs, endMs } = comparison.day;
      let early = false;
      for (let ms = startMs + HOUR_MS; ms < endMs && !early; ms += HOUR_MS) {
        early = unusualIn({ ...comparison, untilMs: ms }, { days, hours })?.unusual ?? false;
      }
      if (at !== planted) {
        if (whole?.unusual) falseDays += 1;
        if (early || whole?.unusual) falseHours += 1;
      } else {
        if (!whole?.unusual) missed.push(`history ${i}, ${rhythm}`);
        if (!early) late += 1;
      }
    }
  }
  const weeks = (histories * DAYS.length) / 7;
  t.diagnostic(`seed ${seed}: ${histories - missed.length} of ${histories} planted days found`);
  t.diagnostic(
    `false alarms per agent-week: ${(falseDays / weeks).toFixed(4)} of whole days, ${(falseHours / weeks).toFixed(4)} looking every hour; ${late} planted days were not found before they ended`,
  );
  assert.deepEqual(missed, [], `seed ${seed}`);
  assert.ok(falseHours / weeks <= 0.2, `seed ${seed}: ${falseHours} false alarms`);
});
