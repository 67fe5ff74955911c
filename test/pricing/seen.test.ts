import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTokensSeen, ENOUGH_CALLS, KEPT_CALLS, KEPT_PAIRS } from '../../src/pricing/seen.js';
import { seeded, testSeed } from '../support/seeded.js';

test('what was seen is unknown until enough calls have been', () => {
  const seen = createTokensSeen();
  for (let n = 1; n < ENOUGH_CALLS; n += 1) seen.observe('a', 'm', n);
  assert.equal(seen.p95('a', 'm'), undefined);
  seen.observe('a', 'm', ENOUGH_CALLS);
  assert.equal(seen.p95('a', 'm'), 19, '19 of 20 stay within it');
  assert.equal(seen.p95('a', 'other'), undefined);
  assert.equal(seen.p95('other', 'm'), undefined);
});

test('it is the smallest count that 95% of the last calls do not pass', () => {
  const seed = testSeed();
  const random = seeded(seed);
  const seen = createTokensSeen();
  const all: number[] = [];
  for (let n = 0; n < 2_000; n += 1) {
    const tokens = random.upTo(random.pick([10, 4_000, 1_000_000_000]));
    seen.observe('a', 'm', tokens);
    all.push(tokens);
    const last = all.slice(-KEPT_CALLS);
    const p95 = seen.p95('a', 'm');
    if (last.length < ENOUGH_CALLS) continue;
    assert.ok(p95 !== undefined && last.includes(p95), `TEST_SEED=${seed}`);
    const within = (most: number) => last.filter((one) => one <= most).length / last.length;
    assert.ok(within(p95) >= 0.95, `TEST_SEED=${seed}`);
    assert.ok(within(p95 - 1) < 0.95, `TEST_SEED=${seed}`);
  }
});

test('the pair that was seen longest ago is forgotten first', () => {
  const seen = createTokensSeen();
  const fill = (agent: string) => {
    for (let n = 0; n < ENOUGH_CALLS; n += 1) seen.observe(agent, 'm', 5);
  };
  for (let n = 0; n < KEPT_PAIRS; n += 1) fill(`a${n}`);
  seen.observe('a0', 'm', 5);
  fill('one more');
  assert.equal(seen.p95('a0', 'm'), 5, 'it was seen again');
  assert.equal(seen.p95('a1', 'm'), undefined);
  assert.equal(seen.p95('a2', 'm'), 5);
});
