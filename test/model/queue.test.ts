import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomOf } from '../../src/demo/random.js';
import { createQueue } from '../../src/model/queue.js';
import { testSeed } from '../support/seeded.js';

test('what happens first comes first; of the same moment, what was added first', () => {
  const seed = testSeed();
  const random = randomOf(seed);
  const queue = createQueue<{ atMs: number; order: number }>(({ atMs }) => atMs);
  const items = Array.from({ length: 1_000 }, (_, order) => ({ atMs: random.below(100), order }));
  for (const item of items) queue.add(item);
  const sorted = items.toSorted((a, b) => a.atMs - b.atMs || a.order - b.order);
  const taken = [];
  for (const endMs of [50, 100]) {
    for (let next = queue.takeBefore(endMs); next; next = queue.takeBefore(endMs)) {
      assert.ok(next.atMs < endMs);
      taken.push(next);
    }
  }
  assert.deepEqual(taken, sorted, `seed ${seed}`);
});
