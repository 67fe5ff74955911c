import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventEntry } from '../../src/model/entry.js';
import { happenedLines, happenedTo } from '../../src/report/happened.js';

const AT_MS = Date.parse('2026-11-24T10:00Z');

const GRANT: EventEntry = {
  ...{ id: `${AT_MS}-0`, atMs: AT_MS, kind: 'granted', agent: 'a', rule: 'budget', why: '' },
  ...{ add: 40_000_000_000, untilUs: 0, by: 'ann' },
};

test('a grant is told in what its rule counts, and not as a number where nobody knows what that is', () => {
  const told = (metric: 'estimated_cost_usd' | undefined) =>
    happenedLines(happenedTo([GRANT], 'a', AT_MS, AT_MS + 1), () => metric, 'UTC').map(
      ({ what }) => what,
    );
  assert.deepEqual(told('estimated_cost_usd'), ['ann granted $40.00 more under budget']);
  assert.deepEqual(told(undefined), ['ann granted some more under budget']);
});
