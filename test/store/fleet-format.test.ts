import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Connection } from '../../src/redis/connection.js';
import { followFleetFormat } from '../../src/store/fleet-format.js';
import { createLog } from '../../src/telemetry/log.js';
import { until } from '../support/until.js';

const NOW_S = 1_750_000_000;
const msOf = (agoS: number) => String((NOW_S - agoS) * 1000);

/** A Redis that knows the time and one hash, which `told` is at the beginning: seconds ago, by the format. */
function redisWith(told: Readonly<Record<string, number>>): {
  connection: Connection;
  hash: Map<string, string>;
} {
  const hash = new Map(Object.entries(told).map(([format, agoS]) => [format, msOf(agoS)]));
  const connection = {
    format: 3,
    address: { tls: false },
    ready: () => true,
    async command(name: string, _key: string, ...args: (string | number)[]) {
      if (name === 'TIME') return [String(NOW_S), '0'];
      const all = [...hash].flat();
      for (let at = 0; name === 'HSET' && at < args.length; at += 2) {
        hash.set(String(args[at]), String(args[at + 1]));
      }
      return all;
    },
  } as unknown as Connection;
  return { connection, hash };
}

const log = createLog('silent', 'json');

for (const [what, told, expected] of [
  ['others like itself: its own', { since: 15, 3: 4 }, 3],
  ['an older one that lives: what that reads', { since: 99, 2: 14, 3: 4 }, 2],
  ['an older one that was silent for 15 s: its own', { since: 99, 2: 15, 3: 4 }, 3],
  ['one of a time to come, after a step of the clock: it lives', { since: 99, 2: -50, 3: 4 }, 2],
  ['a newer one: its own', { since: 99, 4: 1 }, 3],
  ['several: what the oldest reads', { since: 99, 1: 3, 2: 1, 4: 0 }, 1],
  ['what is no format: its own', { since: 99, x: 1, 0: 1, '-2': 1, 3: 4 }, 3],
  ['nobody, since the keys are new or lost: the oldest', {}, 1],
  ['others for less than 15 s: the oldest', { since: 14, 3: 1 }, 1],
  ['nobody for over 10 s, as after a restore: the oldest', { since: 99, 2: 16, 3: 11 }, 1],
] as const) {
  test(`a sidecar writes the newest format that all read. It has heard ${what}`, async () => {
    const { connection, hash } = redisWith(told);
    const format = followFleetFormat(connection, log);
    // Which waits for what is under way.
    await format.close();
    assert.equal(format.current(), expected);
    assert.equal(hash.get('3'), msOf(0), 'and tells what it reads itself');
  });
}

test('who finds that nobody has told lately begins to count anew, for all', async () => {
  for (const told of [{}, { since: 99, 2: 16, 3: 11 }]) {
    const { connection, hash } = redisWith(told);
    await followFleetFormat(connection, log).close();
    assert.equal(hash.get('since'), msOf(0));
  }
  const { connection, hash } = redisWith({ since: 99, 3: 9 });
  await followFleetFormat(connection, log).close();
  assert.equal(hash.get('since'), msOf(99));
});

test('a sidecar that hears nothing writes what every version reads', async () => {
  const { connection } = redisWith({ since: 99, 3: 1 });
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

test('a user of Redis that may not tell is said once', async () => {
  const lines: string[] = [];
  const { connection } = redisWith({});
  const denied = {
    ...connection,
    command: () => Promise.reject(new Error('NOPERM this user has no permissions')),
  } as unknown as Connection;
  const noted = { warn: (_: object, text: string) => lines.push(text), debug: () => {} };
  await followFleetFormat(denied, noted as never).close();
  assert.match(lines.join('\n'), /^other sidecars were not told which formats this one reads/);
});
