import assert from 'node:assert/strict';
import { test } from 'node:test';
import { monotonicMs } from '../../src/redis/deadline.js';
import { fixOf } from '../../src/redis/fix.js';
import { createStore } from '../../src/store/store.js';
import { createMetrics } from '../../src/telemetry/metrics.js';
import { connectHeard } from '../support/plain-connection.js';
import { NO_REDIS, startRedis } from '../support/redis.js';
import { until } from '../support/until.js';

/** 50, 100, 200 and 400 ms, and no timer is early. */
const FOUR_ATTEMPTS_MS = 740;

test('a master that has become a replica: READONLY is the reason until it is one again, and it is left alone more and more', {
  skip: NO_REDIS,
}, async () => {
  const redis = await startRedis();
  const { connection, ups, downs } = connectHeard(redis.plainUrl);
  const store = createStore(connection, createMetrics(), () => 100);
  const touch = () => store.touch('d', monotonicMs() + 1_000);
  await until('an answer', async () => (await touch()) === undefined);
  await redis.client.replicaof('127.0.0.1', 1);
  const startedMs = performance.now();
  const failures = new Set<string | undefined>();
  await until('five refusals', async () => {
    failures.add(await touch());
    return downs.length === 5;
  });
  assert.ok(performance.now() - startedMs >= FOUR_ATTEMPTS_MS, 'it is not stormed');
  assert.deepEqual([...failures], ['readonly', 'unavailable']);
  for (const why of downs) assert.match(why, /^READONLY /);
  assert.match(fixOf(downs[0] ?? '', { tls: false }), /that is a replica now: name the master/);
  assert.equal(ups(), 1, 'a replica is no Redis that is back');
  await redis.client.replicaof('NO', 'ONE');
  await until('an answer', async () => (await touch()) === undefined);
  assert.equal(ups(), 2);
  connection.close();
  await redis.stop();
});
