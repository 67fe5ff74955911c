import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Backlog, createBacklog } from '../../src/client/backlog.js';
import { createWarnings } from '../../src/client/warnings.js';
import { until } from '../support/until.js';

const LOST = Object.assign(new Error('lost'), { code: 14, details: 'lost' });

function open(): { backlog: Backlog; warnings: string[]; entry(n: number): Probe } {
  const warnings: string[] = [];
  const backlog = createBacklog(createWarnings((message) => warnings.push(message)));
  return { backlog, warnings, entry: (n) => new Probe(backlog, n) };
}

/** An entry whose tries the test answers. */
class Probe {
  tries = 0;
  answer: (error?: unknown) => void = () => {};

  constructor(backlog: Backlog, n: number) {
    backlog.add({
      name: `entry ${n}`,
      loss: `it used ${n}`,
      tell: (nth) => {
        assert.equal(nth, this.tries);
        this.tries += 1;
        return new Promise((resolve, reject) => {
          this.answer = (error) => (error === undefined ? resolve() : reject(error));
        });
      },
    });
  }
}

test('an entry is told until it is answered, however often that is lost', async () => {
  const { backlog, warnings, entry } = open();
  const one = entry(1);
  for (let lost = 1; lost <= 8; lost += 1) {
    await until(`try ${lost}`, () => one.tries === lost);
    one.answer(LOST);
  }
  await until('the ninth try', () => one.tries === 9);
  one.answer();
  await backlog.close(60_000);
  assert.equal(one.tries, 9);
  assert.deepEqual(warnings, []);
});

test('a few are told at once, the others after them, the oldest first', async () => {
  const { backlog, entry } = open();
  const entries = Array.from({ length: 10 }, (_, n) => entry(n));
  assert.deepEqual(
    entries.map(({ tries }) => tries),
    [1, 1, 1, 1, 1, 1, 1, 1, 0, 0],
  );
  entries[3]?.answer();
  await until('the next', () => entries[8]?.tries === 1);
  assert.equal(entries[9]?.tries, 0);
  for (const one of entries) one.answer();
  await until('the last', () => entries[9]?.tries === 1);
  entries[9]?.answer();
  await backlog.close(60_000);
});

test('past a thousand the oldest that waits is lost, with a warning', async () => {
  const { backlog, warnings, entry } = open();
  for (let n = 0; n < 1_000; n += 1) entry(n);
  assert.deepEqual(warnings, []);
  entry(1_000);
  assert.deepEqual(warnings, ['entry 8 is lost (over 1000 wait for a sidecar): it used 8']);
  await backlog.close(0);
  assert.equal(warnings.length, 1_001);
});

test('an error that no repeat mends loses the entry, and no other', async () => {
  const { backlog, warnings, entry } = open();
  const refused = entry(1);
  const other = entry(2);
  refused.answer(Object.assign(new Error('bad'), { code: 3, details: 'agent_id: is required' }));
  other.answer();
  await backlog.close(60_000);
  assert.deepEqual(warnings, ['entry 1 is lost (agent_id: is required): it used 1']);
});

test('close waits for calls under way and what they add, as long as it is given', async () => {
  const { backlog, warnings, entry } = open();
  let end = () => {};
  let late: Probe | undefined;
  const first = new Promise<void>((resolve) => {
    end = resolve;
  }).then(() => {
    late = entry(1);
    throw new Error('the work failed');
  });
  backlog.expect(first);
  let closed = false;
  const closing = backlog.close(60_000).then(() => {
    closed = true;
  });
  end();
  await until('the entry', () => late !== undefined);
  assert.equal(closed, false);
  late?.answer();
  await closing;
  assert.deepEqual(warnings, []);
});

test('close says what it gives up, and what comes after it', async () => {
  const { backlog, warnings, entry } = open();
  const one = entry(1);
  backlog.expect(new Promise(() => {}));
  await backlog.close(1);
  one.answer(LOST);
  entry(2);
  assert.deepEqual(warnings, [
    'entry 1 is lost (the gate was closed): it used 1',
    'closed while calls were under way (1): they will not be settled',
    'entry 2 is lost (the gate is closed): it used 2',
  ]);
});
