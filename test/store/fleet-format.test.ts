import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Connection } from '../../src/redis/connection.js';
import { followFleetFormat } from '../../src/store/fleet-format.js';
import { createLog } from '../../src/telemetry/log.js';
import { until } from '../support/until.js';

const NOW_S = 1_750_000_000;

/** A Redis that knows the time and one hash, which `told` is at the beginning: seconds ago, by the format. */
function redisWith(told: Readonly<Record<string, number>>): {
  connection: Connection;
  hash: Map<string, string>;
} {
  const hash = new Map(
    Object.entries(told).map(([format, agoS]) => [format, String((NOW_S - agoS) * 1000)]),
  );
  const connection = {
    format: 3,
    ready: () => true,
    async command(name: string, _key: string, field: string, value: string) {
      if (name === 'TIME') return [String(NOW_S), '0'];
      if (name === 'HSET') hash.set(String(field), String(value));
      return [...hash].flat();
    },
  } as unknown as Connection;
  return { connection, hash };
}

const log = createLog('silent', 'json');

for (const [what, told, expected] of [
  ['of nobody: its own', {}, 3],
  ['of an older one that lives: what that reads', { 2: 14 }, 2],
  ['of an older one that was silent for 15 s: its own', { 2: 15 }, 3],
  ['of a newer one: its own', { 4: 1 }, 3],
  ['of the oldest of several', { 1: 3, 2: 1, 4: 0 }, 1],
  ['of what is no format: its own', { x: 1, 0: 1, '-2': 1 }, 3],
] as const) {
  test(`a sidecar writes the newest format that all read. It has heard ${what}`, async () => {
    const { connection, hash } = redisWith(told);
    const format = followFleetFormat(connection, log);
    // Which waits for what is under way.
    await format.close();
    assert.equal(format.current(), expected);
    assert.equal(hash.get('3'), String(NOW_S * 1000), 'and tells what it reads itself');
  });
}

test('a sidecar that hears nothing writes what every version reads', async () => {
  const { connection } = redisWith({});
  let isThere = true;
  const format = followFleetFormat({ ...connection, ready: () => isThere } as Connection, log);
  assert.equal(format.current(), 1);
  await until('it to be heard', () => format.current() === 3);
  isThere = false;
  const now = performance.now.bind(performance);
  performance.now = () => now() + 15_001;
  try {
    assert.equal(format.current(), 1);
  } finally {
    performance.now = now;
    await format.close();
  }
});
