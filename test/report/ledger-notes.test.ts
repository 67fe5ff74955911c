import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ledgerNotes } from '../../src/report/ledger-notes.js';
import { parsePeriod, periodBefore } from '../../src/report/period.js';
import type { Known } from '../../src/store/spend.js';

const NOW_MS = Date.parse('2026-11-25T09:00Z');
const period = parsePeriod({}, 'UTC', NOW_MS);
assert.ok(!('problem' in period));
const before = periodBefore(period, 'UTC', NOW_MS);

const KNOWN: Known = {
  sinceMs: 0,
  untilMs: NOW_MS,
  forgotten: false,
  zones: [{ timezone: 'UTC', fromMs: 0 }],
  policyTimezone: 'UTC',
};

for (const [what, more, expected] of [
  ['nothing where all is as usual', {}, []],
  ['nothing where no policy has been asked', { policyTimezone: undefined }, []],
  [
    'a policy with other days',
    { policyTimezone: 'Asia/Kolkata' },
    [/^days are those of UTC, .* has Asia\/Kolkata \(TOLLGATE_POLICY names another file\)$/],
  ],
  [
    'what is not kept any more',
    { sinceMs: Date.parse('2026-11-03T10:00Z'), forgotten: true },
    [
      /^spend is kept for 14 months: .* before 3 November 2026 .* so this time \(.*\) is not whole$/,
    ],
  ],
  [
    'days that were those of another timezone',
    {
      zones: [
        { timezone: 'Asia/Tokyo', fromMs: 0 },
        { timezone: 'Asia/Kolkata', fromMs: Date.parse('2026-03-01T00:00Z') },
        { timezone: 'UTC', fromMs: Date.parse('2026-10-05T08:00Z') },
      ],
    },
    [/^until 5 October 2026, 08:00 days are those of Asia\/Kolkata$/],
  ],
] as [string, Partial<Known>, RegExp[]][]) {
  test(`an answer says: ${what}`, () => {
    const notes = ledgerNotes({ ...KNOWN, ...more }, 'UTC', period, before);
    assert.equal(notes.length, expected.length, notes.join('\n'));
    for (const [i, pattern] of expected.entries()) assert.match(notes[i] ?? '', pattern);
  });
}
