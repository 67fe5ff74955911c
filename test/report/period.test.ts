import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PeriodOptions, parsePeriod, periodBefore } from '../../src/report/period.js';

const HOUR_MS = 3_600_000;

/** What is asked, where and when; what that is; and what it is compared with. */
const PERIODS: readonly {
  readonly asked: PeriodOptions;
  readonly zone?: string;
  readonly now?: string;
  readonly is: readonly [name: string, from: string, until: string, days: number];
  readonly before: readonly [name: string, from: string, until: string, days: number];
}[] = [
  {
    asked: {},
    is: ['1 to 25 November 2026, so far', '2026-11-01T00:00Z', '2026-11-25T14:37Z', 25],
    before: ['1 to 25 October 2026 until 14:37', '2026-10-01T00:00Z', '2026-10-25T14:37Z', 24],
  },
  {
    // On the first of a month, of its first minutes.
    asked: {},
    now: '2026-11-01T00:20Z',
    is: ['1 November 2026, so far', '2026-11-01T00:00Z', '2026-11-01T00:20Z', 1],
    before: ['1 October 2026 until 00:20', '2026-10-01T00:00Z', '2026-10-01T00:20Z', 0],
  },
  {
    // The month before is shorter: all of it.
    asked: {},
    now: '2026-03-31T10:00Z',
    is: ['1 to 31 March 2026, so far', '2026-03-01T00:00Z', '2026-03-31T10:00Z', 31],
    before: ['February 2026', '2026-02-01T00:00Z', '2026-03-01T00:00Z', 28],
  },
  {
    asked: { month: '2026-03' },
    is: ['March 2026', '2026-03-01T00:00Z', '2026-04-01T00:00Z', 31],
    before: ['February 2026', '2026-02-01T00:00Z', '2026-03-01T00:00Z', 28],
  },
  {
    asked: { month: '2026-01' },
    is: ['January 2026', '2026-01-01T00:00Z', '2026-02-01T00:00Z', 31],
    before: ['December 2025', '2025-12-01T00:00Z', '2026-01-01T00:00Z', 31],
  },
  {
    // A month whose clocks change, and one before it that has 23 hours in it.
    asked: { month: '2026-04' },
    zone: 'Europe/Berlin',
    is: ['April 2026', '2026-03-31T22:00Z', '2026-04-30T22:00Z', 30],
    before: ['March 2026', '2026-02-28T23:00Z', '2026-03-31T22:00Z', 31],
  },
  {
    asked: { day: '2026-03-29' },
    zone: 'Europe/Berlin',
    is: ['29 March 2026', '2026-03-28T23:00Z', '2026-03-29T22:00Z', 1],
    before: ['22 March 2026', '2026-03-21T23:00Z', '2026-03-22T23:00Z', 1],
  },
  {
    asked: { day: '2026-10-25' },
    zone: 'Europe/Berlin',
    is: ['25 October 2026', '2026-10-24T22:00Z', '2026-10-25T23:00Z', 1],
    before: ['18 October 2026', '2026-10-17T22:00Z', '2026-10-18T22:00Z', 1],
  },
  {
    // Half past five: its hours begin at half past in UTC.
    asked: { day: 'today' },
    zone: 'Asia/Kolkata',
    is: ['25 November 2026, so far', '2026-11-24T18:30Z', '2026-11-25T14:37Z', 1],
    before: ['18 November 2026 until 20:07', '2026-11-17T18:30Z', '2026-11-18T14:37Z', 0],
  },
  {
    // Clocks that are put forward by half an hour: a day of 23.5 hours.
    asked: { day: '2026-10-04' },
    zone: 'Australia/Lord_Howe',
    is: ['4 October 2026', '2026-10-03T13:30Z', '2026-10-04T13:00Z', 1],
    before: ['27 September 2026', '2026-09-26T13:30Z', '2026-09-27T13:30Z', 1],
  },
  {
    asked: { last: '7d' },
    is: ['19 to 25 November 2026, so far', '2026-11-19T00:00Z', '2026-11-25T14:37Z', 7],
    before: ['12 to 18 November 2026 until 14:37', '2026-11-12T00:00Z', '2026-11-18T14:37Z', 6],
  },
  {
    asked: { from: '2025-12-29', to: '2026-01-04' },
    is: ['29 December 2025 to 4 January 2026', '2025-12-29T00:00Z', '2026-01-05T00:00Z', 7],
    before: ['22 to 28 December 2025', '2025-12-22T00:00Z', '2025-12-29T00:00Z', 7],
  },
  {
    // An end that has not come is today.
    asked: { from: 'yesterday', to: '2026-12-24' },
    is: ['24 to 25 November 2026, so far', '2026-11-24T00:00Z', '2026-11-25T14:37Z', 2],
    before: ['22 to 23 November 2026 until 14:37', '2026-11-22T00:00Z', '2026-11-23T14:37Z', 1],
  },
  {
    // No hours are remembered of the last day before: the whole days.
    asked: { from: '2026-10-01' },
    is: ['1 October to 25 November 2026, so far', '2026-10-01T00:00Z', '2026-11-25T14:37Z', 56],
    before: ['6 August to 29 September 2026', '2026-08-06T00:00Z', '2026-09-30T00:00Z', 55],
  },
  {
    // A week after the day that Samoa left out: the one before that.
    asked: { day: '2012-01-06' },
    zone: 'Pacific/Apia',
    is: ['6 January 2012', '2012-01-05T10:00Z', '2012-01-06T10:00Z', 1],
    before: ['29 December 2011', '2011-12-29T10:00Z', '2011-12-30T10:00Z', 1],
  },
];

const minute = (ms: number) => `${new Date(ms).toISOString().slice(0, 16)}Z`;

for (const { asked, zone = 'UTC', now = '2026-11-25T14:37Z', is, before } of PERIODS) {
  test(`${JSON.stringify(asked)} in ${zone} at ${now} is ${is[0]}`, () => {
    const nowMs = Date.parse(now);
    const period = parsePeriod(asked, zone, nowMs);
    assert.ok(!('problem' in period));
    const { name, fromMs, untilMs, days } = period;
    assert.deepEqual([name, minute(fromMs), minute(untilMs), days.length], is);
    assert.deepEqual(period.hours, []);
    const other = periodBefore(period, zone, nowMs);
    const { hours } = other;
    assert.deepEqual(
      [other.name, minute(other.fromMs), minute(other.untilMs), other.days.length],
      before,
    );
    // What is not whole days are the hours from the end of these on.
    for (const [at, ms] of hours.entries()) assert.equal(ms, (hours[0] ?? 0) + at * HOUR_MS);
    const lastMs = hours.at(-1);
    // Of the last hour what is before the end counts.
    if (lastMs !== undefined) {
      assert.ok(lastMs < other.untilMs && other.untilMs <= lastMs + HOUR_MS);
    }
    assert.equal(hours.length > 0, other.name.includes(' until '));
  });
}

const PROBLEMS: readonly [PeriodOptions, RegExp][] = [
  [{ day: '2026-02-30' }, /"2026-02-30" is no day of the calendar/],
  [{ day: '1 March' }, /is no day of the calendar in UTC; write it as 2026-03-01/],
  [{ day: '2026-11-26' }, /2026-11-26 has not come yet; today is 2026-11-25/],
  [{ month: '2026-13' }, /--month "2026-13" must be a month/],
  [{ month: '2026-12' }, /has not come yet/],
  [{ from: '2026-03-02', to: '2026-03-01' }, /ends, on 2026-03-01, before it begins/],
  [{ to: '2026-03-01' }, /--to needs --from/],
  [{ last: '7' }, /--last "7" must be days or weeks/],
  [{ last: '0d' }, /must be days or weeks/],
  [{ last: '500d' }, /at most 400d/],
  [{ day: 'today', month: '2026-03' }, /give one of/],
];

test('what is no period is said in a sentence', () => {
  for (const [asked, expected] of PROBLEMS) {
    const period = parsePeriod(asked, 'UTC', Date.parse('2026-11-25T14:37Z'));
    assert.match('problem' in period ? period.problem : 'none', expected, JSON.stringify(asked));
  }
});
