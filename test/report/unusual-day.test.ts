import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { dayStartsMs } from '../../src/policy/days.js';
import { comparisonOf } from '../../src/report/comparison.js';
import { unusualDay } from '../../src/report/unusual.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** Spend by the starts of hours in UTC: for each day before (the latest last) and for the day, its hours. */
function hourlyOf(days: readonly (readonly number[])[], dayMs: number): Map<number, bigint> {
  const hourly = new Map<number, bigint>();
  for (const [i, hours] of days.entries()) {
    const startMs = dayMs - (days.length - 1 - i) * DAY_MS;
    for (const [hour, cents] of hours.entries()) {
      if (cents !== 0) hourly.set(startMs + hour * HOUR_MS, BigInt(cents) * 10_000_000n);
    }
  }
  return hourly;
}

/** A Wednesday. */
const DAY = Date.parse('2026-06-17T00:00Z');
const END = DAY + DAY_MS;

/** So much in each hour from `from` to `to`. */
function day(cents: number, from = 9, to = 17): number[] {
  return Array.from({ length: 24 }, (_, hour) => (hour >= from && hour < to ? cents : 0));
}

/** Six weeks and the day: each day as its number, 1 to 7 from Monday on, says. */
function weeksOf(
  dayOf: (weekday: number, daysAgo: number) => number[],
  today: number[],
  count = 42,
) {
  const before = Array.from({ length: count }, (_, i) => {
    const daysAgo = count - i;
    return dayOf(((((3 - daysAgo) % 7) + 6) % 7) + 1, daysAgo);
  });
  return hourlyOf([...before, today], DAY);
}

describe('a day is unusual', () => {
  const usual = () => day(100);
  const office = (weekday: number) => (weekday < 6 ? day(100) : []);
  const mondays = (weekday: number) => (weekday === 1 ? day(100) : []);
  const wednesdays = (weekday: number) => (weekday === 3 ? day(100) : []);
  const cases: readonly {
    name: string;
    hourly: Map<number, bigint>;
    nowMs?: number;
    unusual: boolean | undefined;
    ratio?: number;
    weeks?: number;
    firstHour?: number;
  }[] = [
    { name: 'as always: no', hourly: weeksOf(usual, day(100)), unusual: false, ratio: 1, weeks: 6 },
    {
      name: 'twice, where no day differed',
      hourly: weeksOf(usual, day(200)),
      unusual: true,
      ratio: 2,
      firstHour: 9,
    },
    { name: 'just under twice', hourly: weeksOf(usual, day(199)), unusual: false },
    {
      name: 'twice, where weeks differ as much',
      hourly: weeksOf(
        (_, ago) => day([40, 100, 160, 220][Math.floor((ago - 1) / 7) % 4] ?? 0),
        day(270),
      ),
      unusual: false,
    },
    {
      name: 'a loop at night',
      hourly: weeksOf(usual, [...day(100).slice(0, 20), 900, 900, 900, 0]),
      unusual: true,
      firstHour: 20,
    },
    { name: 'nothing at all', hourly: weeksOf(usual, []), unusual: false, ratio: 0 },
    { name: 'cents, where nothing is usual', hourly: weeksOf(mondays, day(1)), unusual: false },
    {
      name: 'a normal day, where nothing is usual',
      hourly: weeksOf(mondays, day(100)),
      unusual: true,
      ratio: Infinity,
      firstHour: 9,
    },
    {
      name: 'a weekly day as always',
      hourly: weeksOf(wednesdays, day(100)),
      unusual: false,
      ratio: 1,
    },
    {
      name: 'three times a weekly day',
      hourly: weeksOf(wednesdays, day(300)),
      unusual: true,
      ratio: 3,
    },
    {
      name: 'a promotion a week ago does not count as usual',
      hourly: weeksOf((_, ago) => day(ago === 7 ? 400 : 100), day(400)),
      unusual: true,
      ratio: 4,
    },
    {
      name: 'two weeks: all working days',
      hourly: weeksOf(office, day(400), 14),
      unusual: true,
      ratio: 4,
      weeks: 2,
      firstHour: 9,
    },
    {
      name: 'two weeks of one weekly day',
      hourly: weeksOf(mondays, day(100), 14),
      unusual: false,
      ratio: 1,
      weeks: 1,
    },
    {
      name: 'two weeks of a weekly job beside small days',
      hourly: hourlyOf(
        Array.from({ length: 15 }, (_, at) => day(at % 7 === 0 ? 100 : 5)),
        DAY,
      ),
      unusual: false,
      ratio: 1,
      weeks: 2,
    },
    {
      name: 'one call at night, where days have three',
      hourly: weeksOf((_, ago) => day(100 + (ago % 3) * 60, 12, 15), day(130, 1, 2)),
      nowMs: DAY + 2 * HOUR_MS,
      unusual: false,
      ratio: Infinity,
    },
    { name: 'three days', hourly: weeksOf(usual, day(400), 3), unusual: true, weeks: 0 },
    { name: 'two days: nobody can say', hourly: weeksOf(usual, day(400), 2), unusual: undefined },
    {
      name: 'a first day: nobody can say',
      hourly: weeksOf(usual, day(400), 0),
      unusual: undefined,
    },
    { name: 'no spend ever', hourly: new Map(), unusual: undefined },
    {
      name: 'at noon: as much as always by noon',
      hourly: weeksOf(usual, day(100, 9, 12)),
      nowMs: DAY + 12 * HOUR_MS,
      unusual: false,
      ratio: 1,
    },
    {
      name: 'at noon: what a whole day has',
      hourly: weeksOf(usual, day(300, 9, 12)),
      nowMs: DAY + 12 * HOUR_MS,
      unusual: true,
      ratio: 3,
      firstHour: 9,
    },
    {
      name: 'in an hour that goes on: its part',
      hourly: weeksOf(usual, day(50, 9, 10)),
      nowMs: DAY + 9.5 * HOUR_MS,
      unusual: false,
      ratio: 1,
    },
    { name: 'before it begins', hourly: weeksOf(usual, []), nowMs: DAY, unusual: false, ratio: 1 },
  ];
  for (const { name, hourly, nowMs = END, unusual, ratio, weeks, firstHour } of cases) {
    test(name, () => {
      const found = unusualDay(hourly, 'UTC', DAY, nowMs);
      assert.equal(
        found?.unusual,
        unusual,
        JSON.stringify(found, (_, v) => (typeof v === 'bigint' ? String(v) : v)),
      );
      if (ratio !== undefined) assert.equal(found?.ratio, ratio);
      if (weeks !== undefined) assert.equal(found?.weeks, weeks);
      assert.equal(
        found?.firstHourMs,
        firstHour === undefined ? found?.firstHourMs : DAY + firstHour * HOUR_MS,
      );
    });
  }
});

test('money is exact, and a day of 25 hours has them all', () => {
  const berlin = 'Europe/Berlin';
  const toMs = Date.parse('2026-11-01T23:00Z');
  // Clocks are put back on this Sunday.
  const [sunday = 0] = dayStartsMs(berlin, Date.parse('2026-10-24T12:00Z'), toMs);
  const hourly = new Map<number, bigint>();
  for (const { startMs, endMs } of [...comparisonOf(berlin, sunday, toMs).before]) {
    for (let ms = startMs; ms < endMs; ms += HOUR_MS) hourly.set(ms, 1_000_000_007n);
  }
  for (let hour = 0; hour < 25; hour += 1) hourly.set(sunday + hour * HOUR_MS, 4_000_000_001n);
  const found = unusualDay(hourly, berlin, sunday, toMs);
  assert.equal(found?.actualNano, 25n * 4_000_000_001n);
  assert.equal(found?.expectedNano, 24n * 1_000_000_007n);
  assert.equal(found?.excessNano, 25n * 4_000_000_001n - 24n * 1_000_000_007n);
  assert.equal(found?.unusual, true);
  assert.equal(found?.firstHourMs, sunday);
});
