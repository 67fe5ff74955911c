import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Random, randomOf } from '../../src/demo/random.js';
import type { Rhythm } from '../../src/demo/rhythm.js';
import { dayStartsMs } from '../../src/policy/days.js';
import { comparisonOf } from '../../src/report/comparison.js';
import { dailyOf, unusualIn } from '../../src/report/unusual.js';
import { type SeriesPlan, seriesOf } from '../support/series.js';

const HOUR_MS = 3_600_000;
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

type Shape = Pick<SeriesPlan, 'rhythm' | 'callsPerDay' | 'noise'>;

// Chance decides what is found, so the seed is fixed; of others one in 2,000 is missed, a day not quite twice
// what is expected.
const SEED = Number(process.env['TEST_SEED'] ?? 1);
/** Of every rhythm forty. */
const HISTORIES = 200 * Number(process.env['TEST_RUNS'] ?? 1);
const COMPARISONS = DAYS.map((dayMs) => comparisonOf(TIMEZONE, dayMs, TO_MS));

/** Histories in each of which one day has four times the calls, watched day by day and hour by hour. */
function watch(histories: number, shapeOf: (i: number, random: Random) => Shape) {
  const missed: string[] = [];
  let [late, falseDays, falseHours] = [0, 0, 0];
  for (let i = 0; i < histories; i += 1) {
    const random = randomOf(SEED, 'plan', i);
    const shape = shapeOf(i, random);
    const { rhythm } = shape;
    const workdays = DAYS.flatMap((_, at) => (at >= 21 && isWorkday(rhythm, at) ? [at] : []));
    const planted = workdays[random.below(workdays.length)] ?? 0;
    const hours = seriesOf(SEED + i, {
      ...shape,
      ...{ timezone: TIMEZONE, fromMs: FROM_MS, toMs: TO_MS },
      times: (ms) => (ms >= (DAYS[planted] ?? 0) && ms < (DAYS[planted + 1] ?? TO_MS) ? 4 : 1),
    });
    for (const [at, comparison] of COMPARISONS.entries()) {
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
  const [ofDays, ofHours] = [falseDays / weeks, falseHours / weeks];
  return {
    ...{ missed, ofHours, found: (histories - missed.length) / histories },
    told: `${histories - missed.length} of ${histories} planted days found, ${late} of all not before they ended; false alarms per agent-week: ${ofDays.toFixed(4)} of whole days, ${ofHours.toFixed(4)} looking every hour`,
  };
}

test('days of four times the spend are found, and few others', (t) => {
  const { missed, ofHours, told } = watch(HISTORIES, (i, random) => ({
    rhythm: RHYTHMS[i % RHYTHMS.length] ?? 'office',
    callsPerDay: 60 + random.below(400),
    noise: 0.15,
  }));
  t.diagnostic(`seed ${SEED}: ${told}`);
  assert.deepEqual(missed, [], `seed ${SEED}`);
  assert.ok(ofHours <= 0.2, `seed ${SEED}: ${told}`);
});

/** Agents of which less can be said: the least that is found, and the most false alarms per agent-week. */
const HARD: readonly { name: string; shape: Shape; found: number; alarms: number }[] = [
  {
    name: 'whose days differ by 30%, at weekends next to nothing',
    shape: { rhythm: 'office', callsPerDay: 200, noise: 0.3 },
    ...{ found: 0.8, alarms: 0.1 },
  },
  {
    name: 'with ten large calls a day',
    shape: { rhythm: 'steady', callsPerDay: 10, noise: 0.15 },
    ...{ found: 0.6, alarms: 0.1 },
  },
  {
    name: 'with three large calls a day',
    shape: { rhythm: 'steady', callsPerDay: 3, noise: 0.15 },
    ...{ found: 0.3, alarms: 0.3 },
  },
];
for (const { name, shape, found, alarms } of HARD) {
  test(`an agent ${name} raises few false alarms`, (t) => {
    const watched = watch(30, () => shape);
    t.diagnostic(`seed ${SEED}: ${watched.told}`);
    assert.ok(watched.found >= found && watched.ofHours <= alarms, watched.told);
  });
}
