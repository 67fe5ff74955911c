import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatDuration } from '../../src/model/duration.js';

test('a duration is shown in its two largest units, rounded up', () => {
  const cases: [number, string][] = [
    [0, '0 ms'],
    [1, '1 ms'],
    [340_000, '340 ms'],
    [999_001, '1 s'],
    [60_000_000, '60 s'],
    [60_477_000, '61 s'],
    [120_000_000, '2 min'],
    [130_500_000, '2 min 11 s'],
    [3_600_000_000, '1 h'],
    [11_520_000_000, '3 h 12 min'],
    [86_400_000_000, '24 h'],
    [176_400_000_000, '2 d 1 h'],
  ];
  for (const [us, text] of cases) assert.equal(formatDuration(us), text);
});
