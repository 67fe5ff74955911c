import assert from 'node:assert/strict';
import { test } from 'node:test';
import { monotonicMs } from '../../src/redis/deadline.js';
import { readFoldState } from '../../src/store/fold-state.js';
import { bornKey, ledgerKey } from '../../src/store/keys.js';
import { createLosses } from '../../src/store/losses.js';
import { startMonitor } from '../../src/store/monitor.js';
import { createLog, type Logger } from '../../src/telemetry/log.js';
import { NO_REDIS, startRedis } from '../support/redis.js';
import { readMetric } from '../support/sidecar.js';
import { openStore } from '../support/store.js';

test('a ledger that has gone back is said, whatever came since; one that was trimmed is not', {
  skip: NO_REDIS,
}, async () => {
  const redis = await startRedis();
  const { connection, metrics } = await openStore(redis.url);
  const log = createLog('silent', 'json');
  const losses = createLosses(metrics, log);
  const monitor = startMonitor({
    connection,
    domains: () => ['d'],
    touch: async () => {},
    ...{ losses, away: '', metrics, log },
  });
  const key = ledgerKey('d');
  const add = (id: string) => redis.client.xadd(key, id, 'k', 'x');
  const resets = async () => {
    await monitor.look();
    const text = await metrics.registry.metrics();
    return readMetric(text, 'tollgate_store_resets_total');
  };
  assert.equal(await resets(), 0);
  for (const id of ['10-0', '20-0', '30-0']) await add(id);
  assert.equal(await resets(), 0);
  await redis.client.xtrim(key, 'MINID', '30-0');
  await add('40-0');
  assert.equal(await resets(), 0);
  await redis.client.xtrim(key, 'MAXLEN', 0);
  await add('50-0');
  assert.equal(await resets(), 0, 'all of it may be trimmed');
  // A snapshot has the birth, the older entries, and what came after it was restored.
  await redis.client.del(key);
  for (const id of ['10-0', '60-0']) await add(id);
  assert.equal(await resets(), 1);
  const { gaps } = await readFoldState(connection, 'd');
  assert.deepEqual(gaps, [{ from: '10-0', to: '60-0' }]);
  assert.equal(await resets(), 1, 'once');
  await redis.client.del(key);
  assert.equal(await resets(), 2, 'of a time before the ledger');
  await add('70-0');
  assert.equal(await resets(), 2);
  await redis.client.del(key, bornKey('d'));
  assert.equal(await resets(), 3, 'a flush counts once');
  monitor.close();
  connection.close();
  await redis.stop();
});

test('a Redis that is there and refuses to write is said, once for each reason', {
  skip: NO_REDIS,
}, async () => {
  const redis = await startRedis();
  const { connection, metrics, store } = await openStore(redis.url);
  const said: string[] = [];
  const log = {
    ...createLog('silent', 'json'),
    error: ({ fix }: { fix: string }, message: string) => said.push(`${message} (${fix})`),
  } as unknown as Logger;
  const monitor = startMonitor({
    connection,
    domains: () => ['d'],
    touch: (domain) => store.touch(domain, monotonicMs() + 1_000),
    ...{ losses: createLosses(metrics, log), away: 'all is denied', metrics, log },
  });
  const cases: [option: string, to: string, back: string, expected: RegExp][] = [
    [
      ...(['min-replicas-to-write', '1', '0'] as const),
      /^Redis refuses to write: too few replicas follow it: all is denied until .*\(bring the replicas/,
    ],
    [
      ...(['maxmemory', '1', '0'] as const),
      /^Redis refuses to write: its memory is full: .*\(raise maxmemory/,
    ],
  ];
  for (const [option, to, back, expected] of cases) {
    await redis.client.config('SET', option, to);
    for (let times = 0; times < 2; times += 1) await monitor.look();
    assert.equal(said.length, 1, said.join());
    assert.match(String(said.pop()), expected);
    await redis.client.config('SET', option, back);
    await monitor.look();
    assert.deepEqual(said, []);
  }
  monitor.close();
  connection.close();
  await redis.stop();
});
