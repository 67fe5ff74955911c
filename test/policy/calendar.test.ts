import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { CALENDARS, type Calendar, calendarEdges } from '../../src/policy/calendar.js';
import { arbitraryMoment, periodEdges } from '../support/calendars.js';

const HOUR_US = 3_600_000_000;

function us(iso: string): number {
  return Date.parse(iso) * 1000;
}

/** The four edges at a moment, to the minute, in UTC. */
function edgesAt(calendar: Calendar, timezone: string, now: string): string[] {
  return calendarEdges(calendar, timezone, us(now)).map((edge) =>
    new Date(edge / 1000).toISOString().replace(':00.000Z', 'Z'),
  );
}

describe('calendar windows', () => {
  /** Timezone, a moment of the day, its first instant, and its length in hours: from the tz database. */
  const days: [string, string, string, string, number][] = [
    ['UTC', 'any day', '2026-11-25T13:00Z', '2026-11-25T00:00Z', 24],
    ['Asia/Singapore', 'no clock changes', '2026-11-25T15:59Z', '2026-11-24T16:00Z', 24],
    ['Asia/Kathmandu', '45 minutes off', '2026-11-25T00:00Z', '2026-11-24T18:15Z', 24],
    ['America/New_York', 'spring', '2026-03-08T12:00Z', '2026-03-08T05:00Z', 23],
    ['America/New_York', 'autumn', '2026-11-01T12:00Z', '2026-11-01T04:00Z', 25],
    ['Europe/Berlin', 'spring', '2026-03-29T12:00Z', '2026-03-28T23:00Z', 23],
    ['Europe/Berlin', 'autumn', '2026-10-25T12:00Z', '2026-10-24T22:00Z', 25],
    ['Australia/Lord_Howe', 'half an hour on', '2026-10-04T00:00Z', '2026-10-03T13:30Z', 23.5],
    ['Australia/Lord_Howe', 'half an hour back', '2026-04-05T00:00Z', '2026-04-04T13:00Z', 24.5],
    ['Africa/Cairo', 'no midnight', '2024-04-26T10:00Z', '2024-04-25T22:00Z', 23],
    ['Africa/Cairo', 'the day after no midnight', '2024-04-27T10:00Z', '2024-04-26T21:00Z', 24],
    ['America/Santiago', 'no midnight', '2024-09-08T12:00Z', '2024-09-08T04:00Z', 23],
    ['Asia/Beirut', 'no midnight', '2024-03-31T12:00Z', '2024-03-30T22:00Z', 23],
    ['America/Sao_Paulo', 'no midnight', '2018-11-04T12:00Z', '2018-11-04T03:00Z', 23],
    ['Africa/Cairo', '23:00 comes twice', '2024-10-31T21:30Z', '2024-10-30T21:00Z', 25],
    [
      'America/Havana',
      'midnight twice, in the first hour',
      '2024-11-03T04:30Z',
      '2024-11-03T04:00Z',
      25,
    ],
    [
      'America/Havana',
      'midnight twice, in the second',
      '2024-11-03T05:30Z',
      '2024-11-03T04:00Z',
      25,
    ],
    ['America/Havana', 'midnight twice, later', '2024-11-04T04:59Z', '2024-11-03T04:00Z', 25],
    ['Asia/Amman', 'midnight twice', '2021-10-29T12:00Z', '2021-10-28T21:00Z', 25],
    ['Antarctica/Casey', 'three hours twice', '2023-03-08T20:00Z', '2023-03-08T13:00Z', 27],
    ['America/St_Johns', 'a minute of it', '2010-11-07T02:30Z', '2010-11-07T02:30Z', 25],
    ['America/St_Johns', 'then the day before again', '2010-11-07T03:00Z', '2010-11-07T02:30Z', 25],
    ['America/St_Johns', 'then the day itself', '2010-11-07T04:00Z', '2010-11-07T02:30Z', 25],
    ['Pacific/Apia', 'before the day left out', '2011-12-30T09:59Z', '2011-12-29T10:00Z', 24],
    ['Pacific/Apia', 'after the day left out', '2011-12-30T10:00Z', '2011-12-30T10:00Z', 24],
    ['Pacific/Kwajalein', 'before the day left out', '1993-08-21T11:59Z', '1993-08-20T12:00Z', 24],
    ['Pacific/Kwajalein', 'after the day left out', '1993-08-21T12:00Z', '1993-08-21T12:00Z', 24],
  ];
  for (const [timezone, what, now, first, hours] of days) {
    test(`a day begins at its first instant: ${timezone}, ${what}`, () => {
      const [, startUs, endUs] = calendarEdges('day', timezone, us(now));
      assert.equal(new Date(startUs / 1000).toISOString(), new Date(first).toISOString());
      assert.equal((endUs - startUs) / HOUR_US, hours);
    });
  }

  /** Calendar, timezone, a moment, and the four edges at it. */
  const periods: [Calendar, string, string, string[]][] = [
    [
      'day',
      'America/Havana',
      '2024-11-04T12:00Z',
      ['2024-11-03T04:00Z', '2024-11-04T05:00Z', '2024-11-05T05:00Z', '2024-11-06T05:00Z'],
    ],
    [
      'day',
      'Pacific/Apia',
      '2011-12-30T00:00Z',
      ['2011-12-28T10:00Z', '2011-12-29T10:00Z', '2011-12-30T10:00Z', '2011-12-31T10:00Z'],
    ],
    [
      'day',
      'Pacific/Apia',
      '2011-12-31T00:00Z',
      ['2011-12-29T10:00Z', '2011-12-30T10:00Z', '2011-12-31T10:00Z', '2012-01-01T10:00Z'],
    ],
    [
      'week',
      'UTC',
      '2027-01-01T00:00Z',
      ['2026-12-21T00:00Z', '2026-12-28T00:00Z', '2027-01-04T00:00Z', '2027-01-11T00:00Z'],
    ],
    [
      'week',
      'Asia/Singapore',
      '2026-11-29T15:59Z',
      ['2026-11-15T16:00Z', '2026-11-22T16:00Z', '2026-11-29T16:00Z', '2026-12-06T16:00Z'],
    ],
    [
      'week',
      'Europe/Berlin',
      '2026-10-21T00:00Z',
      ['2026-10-11T22:00Z', '2026-10-18T22:00Z', '2026-10-25T23:00Z', '2026-11-01T23:00Z'],
    ],
    [
      'week',
      'Pacific/Apia',
      '2011-12-31T00:00Z',
      ['2011-12-19T10:00Z', '2011-12-26T10:00Z', '2012-01-01T10:00Z', '2012-01-08T10:00Z'],
    ],
    [
      'month',
      'UTC',
      '2028-02-29T23:59Z',
      ['2028-01-01T00:00Z', '2028-02-01T00:00Z', '2028-03-01T00:00Z', '2028-04-01T00:00Z'],
    ],
    [
      'month',
      'Asia/Singapore',
      '2026-12-31T16:00Z',
      ['2026-11-30T16:00Z', '2026-12-31T16:00Z', '2027-01-31T16:00Z', '2027-02-28T16:00Z'],
    ],
    [
      'month',
      'America/New_York',
      '2026-10-31T12:00Z',
      ['2026-09-01T04:00Z', '2026-10-01T04:00Z', '2026-11-01T04:00Z', '2026-12-01T05:00Z'],
    ],
    [
      'month',
      'America/Havana',
      '2026-11-01T05:30Z',
      ['2026-10-01T04:00Z', '2026-11-01T04:00Z', '2026-12-01T05:00Z', '2027-01-01T05:00Z'],
    ],
    [
      'month',
      'America/Asuncion',
      '2023-10-15T12:00Z',
      ['2023-09-01T04:00Z', '2023-10-01T04:00Z', '2023-11-01T03:00Z', '2023-12-01T03:00Z'],
    ],
  ];
  for (const [calendar, timezone, now, expected] of periods) {
    test(`the edges of a ${calendar} in ${timezone} at ${now}`, () => {
      assert.deepEqual(edgesAt(calendar, timezone, now), expected);
    });
  }

  test('a period holds its first microsecond and not that of the next, whatever was asked before', () => {
    const midnightUs = us('2026-11-25T16:00Z');
    for (const nowUs of [midnightUs, midnightUs - 1, midnightUs, midnightUs + 1, midnightUs - 1]) {
      const [, startUs, endUs] = calendarEdges('day', 'Asia/Singapore', nowUs);
      assert.equal(startUs, nowUs < midnightUs ? midnightUs - 24 * HOUR_US : midnightUs);
      assert.equal(endUs, startUs + 24 * HOUR_US);
    }
  });

  test('within a period it is the same answer, not a new one', () => {
    const morning = calendarEdges('month', 'Asia/Tokyo', us('2026-11-25T00:00Z'));
    assert.equal(calendarEdges('month', 'Asia/Tokyo', us('2026-11-30T14:59Z')), morning);
  });

  test('in every timezone, edges are those of a plain search, ascend, and join', () => {
    // Few, since many names share their clocks, and each run of the suite looks at other moments.
    const runs = 2 * Number(process.env['TEST_RUNS'] ?? 1);
    for (const zone of Intl.supportedValuesOf('timeZone')) {
      const property = fc.property(
        fc.constantFrom(...CALENDARS),
        fc.constant(zone),
        arbitraryMoment(zone),
        (calendar, timezone, nowUs) => {
          const at = (momentUs: number) => calendarEdges(calendar, timezone, momentUs);
          const edges = at(nowUs);
          const [previousUs, startUs, nextUs, afterNextUs] = edges;
          assert.deepEqual([...edges], periodEdges(calendar, timezone, nowUs));
          assert.ok(previousUs < startUs && startUs <= nowUs);
          assert.ok(nowUs < nextUs && nextUs < afterNextUs);
          assert.deepEqual(at(startUs), edges);
          assert.deepEqual(at(nextUs - 1), edges);
          assert.deepEqual(at(nextUs).slice(0, 3), edges.slice(1));
          assert.deepEqual(at(startUs - 1).slice(1), edges.slice(0, 3));
        },
      );
      fc.assert(property, { numRuns: runs });
    }
  });
});
