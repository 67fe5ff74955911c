import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Line } from '../../src/store/line.js';

test('a place that is left goes to whoever waits longest; nobody waits for ever, nor too many', async () => {
  const line = new Line(50);
  const tickets = Array.from({ length: 128 }, () => line.enter(0));
  assert.ok(tickets.every((ticket) => ticket !== undefined));
  assert.equal(line.enter(0), undefined);
  const order: string[] = [];
  const first = line.wait(10_000).then((ticket) => order.push(`first ${ticket !== undefined}`));
  const second = line.wait(10_000).then((ticket) => order.push(`second ${ticket !== undefined}`));
  assert.equal(await line.wait(1), undefined, 'it gives up');
  line.leave(tickets[5] ?? 0, 1);
  line.leave(tickets[6] ?? 0, 1);
  await Promise.all([first, second]);
  assert.deepEqual(order, ['first true', 'second true']);
  assert.equal(line.enter(1), undefined, 'both places were handed on');
  const crowd = Array.from({ length: 1_000 }, () => line.wait(50));
  assert.equal(await line.wait(10_000), undefined, 'one too many is turned away at once');
  assert.ok((await Promise.all(crowd)).every((ticket) => ticket === undefined));
});

test('Redis is late when it owes the oldest answer for a decision’s whole time', () => {
  const line = new Line(50);
  assert.equal(line.isLate(1_000), false, 'it owes nothing');
  const first = line.enter(0) ?? 0;
  const second = line.enter(40) ?? 0;
  assert.equal(line.isLate(44), false);
  assert.equal(line.isLate(50), true);
  line.leave(first, 50);
  assert.equal(line.isLate(60), false);
  assert.equal(line.isLate(90), true);
  line.leave(second, 90);
  assert.equal(line.isLate(1_000), false);
});
