import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestOf } from '../../src/guard/digest.js';
import { callOf } from '../support/call.js';

test('a repeat is the same at a version that knows one more field, wherever it has it, if the request has none', () => {
  const call = callOf({ callId: 'c', tool: 't', labels: { a: '1', b: '2' } });
  const digest = digestOf(call);
  const same: [what: string, other: object][] = [
    ['another id', { ...call, callId: 'd' }],
    ['another moment', { ...call, timestampMs: 7 }],
    ['a text that it has not', { newText: '', ...call }],
    ['a number that it has not', { newNumber: undefined, ...call }],
    ['labels in another order', { ...call, labels: { b: '2', a: '1' } }],
  ];
  for (const [what, other] of same) assert.equal(digestOf(other as typeof call), digest, what);
  const others: [what: string, other: object][] = [
    ['a text of a later version', { ...call, newText: 'x' }],
    ['an estimate of nothing', { ...call, estimatedCostUsd: 0 }],
    ['a label less', { ...call, labels: { a: '1' } }],
    ['the same text elsewhere', { ...call, tool: '', model: 't' }],
    ['final', { ...call, final: !call.final }],
  ];
  const digests = others.map(([, other]) => digestOf(other as typeof call));
  assert.equal(new Set([digest, ...digests]).size, others.length + 1, others.join());
});
