import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeniedEntry } from '../../src/model/entry.js';
import { formatEntry, parseEntry } from '../../src/store/entry.js';
import { factsFor, NO_WINDOW } from '../support/ledger.js';

const DENIED: DeniedEntry = {
  ...{ id: '1700000000000-0', atMs: 1_700_000_000_000, kind: 'denied', rule: 'budget' },
  ...{ partition: 'agent=a', facts: factsFor(''), calls: 3, firstUs: 10, lastUs: 20 },
  asked: { costNano: 7, costSource: 'table', tokensIn: 1, tokensOut: 2 },
  askedAgain: { costNano: 4, tokensIn: 5, tokensOut: 6 },
  ...{ metric: 'calls', used: 50, limit: 60, retryAtUs: 30, run: 'r' },
};

test('denials are written so that a version that knows less of them reads what it knows', () => {
  const { x = '', ...fields } = formatEntry(DENIED);
  // What it takes: seven numbers, no more.
  assert.equal(fields['n']?.split(' ').length, 7);
  assert.deepEqual(parseEntry(DENIED.id, { ...fields, x }), DENIED);
  const { asked, calls, ...without } = DENIED;
  assert.deepEqual(parseEntry(DENIED.id, fields), {
    ...without,
    asked,
    calls,
    ...NO_WINDOW,
    run: 'r',
  });
  // Written by a version that had all of them in one field.
  const n = `${fields['n']} ${x}`;
  assert.deepEqual(parseEntry(DENIED.id, { ...fields, n }), DENIED);
  for (const cut of ['1', `${x} 1`, 'a b c d e f g']) {
    assert.equal(parseEntry(DENIED.id, { ...fields, x: cut }), undefined, cut);
  }
});
