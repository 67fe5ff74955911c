import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSettlements } from '../../src/client/settlements.js';

test('a thousand settlements delay nobody; the calls after those wait for their own', async () => {
  const settlements = createSettlements();
  const ends: (() => void)[] = [];
  const settling = () => new Promise<void>((resolve) => ends.push(resolve));
  for (let n = 0; n < 1_000; n += 1) assert.equal(settlements.add(settling()), undefined);
  const one = settlements.add(settling());
  const other = settlements.add(settling());
  assert.ok(one && other);
  ends.pop()?.();
  await other;
  assert.equal(await settlements.flush(0), 1_001);
  for (const end of ends) end();
  await one;
  assert.equal(await settlements.flush(60_000), 0);
  assert.equal(settlements.add(settling()), undefined, 'there is room again');
});

test('a flush waits for what is added while it waits', async () => {
  const settlements = createSettlements();
  let endFirst = () => {};
  let secondEnded = false;
  const first = new Promise<void>((resolve) => {
    endFirst = resolve;
  });
  settlements.add(
    first.then(() => {
      settlements.add(
        Promise.resolve().then(() => {
          secondEnded = true;
        }),
      );
    }),
  );
  const flushing = settlements.flush(60_000);
  endFirst();
  assert.equal(await flushing, 0);
  assert.equal(secondEnded, true);
});
