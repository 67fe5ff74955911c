import assert from 'node:assert/strict';
import { test } from 'node:test';
import { momentMs } from '../../src/cli/moment.js';

test('a time of an option is a day, a moment of it, or a time ago; another text is refused, and not read as something else', () => {
  const nowMs = Date.parse('2026-03-29T00:30:00Z');
  const [start, end] = ['start', 'end'] as const;
  const cases: [string, 'start' | 'end', string][] = [
    ['2026-03-08', start, '2026-03-08T00:00:00+01:00'],
    ['2026-03-08', end, '2026-03-09T00:00:00+01:00'],
    // A day of 23 hours: the clocks of Berlin are put forward.
    ['2026-03-29', end, '2026-03-30T00:00:00+02:00'],
    ['today', start, '2026-03-29T00:00:00+01:00'],
    ['yesterday', end, '2026-03-29T00:00:00+01:00'],
    ['2026-03-08T09:30', start, '2026-03-08T09:30:00+01:00'],
    ['2026-03-08 09:30', end, '2026-03-08T09:30:00+01:00'],
    ['2026-03-08T09:30Z', start, '2026-03-08T09:30:00Z'],
    ['90m', start, '2026-03-28T23:00:00Z'],
    ['now', end, '2026-03-29T00:30:00Z'],
  ];
  for (const [text, edge, expected] of cases) {
    const ms = momentMs('from', text, edge, 'Europe/Berlin', nowMs);
    assert.equal(ms, Date.parse(expected), `${text}, ${edge}`);
  }
  for (const text of ['2026-11', '2026', '20261108', '2026-W10', 'tomorrow', '2026-13-01', '']) {
    assert.throws(() => momentMs('from', text, start, 'UTC', nowMs), /is no time/, text);
  }
});
