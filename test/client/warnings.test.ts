import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWarnings } from '../../src/client/warnings.js';

test('a kind of warning is said once, and a hundred kinds are enough', () => {
  const said: string[] = [];
  const warnings = createWarnings((message) => said.push(message));
  for (let n = 0; n < 300; n += 1) warnings.once(`kind ${n >> 1}`, `message ${n}`);
  assert.equal(said.length, 100);
  assert.deepEqual(said.slice(0, 2), ['message 0', 'message 2']);
  assert.equal(said[99], 'message 198 (further warnings like it are left out)');
  warnings.say('a loss');
  assert.equal(said[100], 'a loss', 'what is lost is always said');
});
