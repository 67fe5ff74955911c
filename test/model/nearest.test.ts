import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearest } from '../../src/model/nearest.js';

test('the name that was meant is the one with the fewest mistypings, and none where none is like it', () => {
  const known = ['customer-support-v2', 'customer-support-v3', 'steady', 'ab'];
  assert.equal(nearest('customer-suport-v2', known), 'customer-support-v2');
  assert.equal(nearest('Customer-Support-V3', known), 'customer-support-v3');
  assert.equal(nearest('stedy', known), 'steady');
  assert.equal(nearest('abc', known), 'ab');
  // Of a short name one other letter is another name.
  assert.equal(nearest('ax', known), undefined);
  assert.equal(nearest('invoice-matcher', known), undefined);
  assert.equal(nearest('steady', []), undefined);
});
