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
  lost: { entries: 0, lastMs: undefined },
  aside: { entries: 0, lastMs: undefined },
  crowdedMs: undefined,
  aheadMs: 0,
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
    'entries that are in no sum',
    { lost: { entries: 7, lastMs: undefined }, aside: { entries: 1, lastMs: NOW_MS } },
    [
      /^7 entries of the ledger were dropped before they were summed up, so their spend is in no answer/,
      /^1 entries of the ledger could not be read \(the last about 25 November 2026, 09:00\)/,
    ],
  ],
  [
    'nothing of what was lost long before',
    { lost: { entries: 7, lastMs: before.fromMs - 1 }, crowdedMs: before.fromMs - 1 },
    [],
  ],
  ['attributes that are too many', { crowdedMs: NOW_MS }, [/under the tool "other"$/]],
  [
    'a clock that was put back',
    { aheadMs: 2 * 86_400_000 },
    [/^the clock of Redis was put back: .* until 27 November 2026, 09:00 counts/],
  ],
  [
    'a moment that no date can say',
    {
      aside: { entries: 3, lastMs: 8_700_000_000_000_000 },
      aheadMs: 8_700_000_000_000_000 - NOW_MS,
    },
    [
      /^3 entries .* \(the last about a time that is in no calendar\), so what they spent/,
      /^the clock of Redis was put back: what is recorded until a time that is in no calendar counts/,
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
