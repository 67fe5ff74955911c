import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Connection } from '../../src/redis/connection.js';
import { monotonicMs } from '../../src/redis/deadline.js';
import type { Question } from '../../src/store/question.js';
import type { Store } from '../../src/store/store.js';
import { NO_REDIS, type RedisProcess, startRedis } from '../support/redis.js';
import { openStore } from '../support/store.js';

/** Without a sidecar around it, nobody takes anything back: what runs late would be seen here. */
describe('scripts that Redis runs after they were given up', { skip: NO_REDIS }, () => {
  let redis: RedisProcess;
  let store: Store;
  let connection: Connection;
  before(async () => {
    redis = await startRedis();
    ({ store, connection } = await openStore(redis.url));
  });
  after(async () => {
    connection.close();
    await redis.stop();
  });

  const question = (n: number): Question => ({
    domain: 'late',
    agent: 'a',
    callId: `call-${n}`,
    attempt: `attempt-${n}`,
    digest: 'd',
    mode: 'decide',
    windows: [
      {
        rule: 'r',
        shape: 's',
        partition: 'p',
        kind: 'block',
        amount: 1,
        limit: 1000,
        span: { windowUs: 3.6e9 },
        thresholds: [],
      },
    ],
  });

  test('write nothing: 200 that timed out while Redis was frozen', async () => {
    const warm = await store.ask('authorize', question(0), monotonicMs() + 1_000);
    assert.ok('code' in warm && warm.code === 'allowed');
    for (let round = 0; round < 3; round += 1) {
      redis.signal('SIGSTOP');
      const given = await Promise.all(
        Array.from({ length: 200 }, (_, n) =>
          store.ask('authorize', question(1 + round * 200 + n), monotonicMs() + 50),
        ),
      );
      redis.signal('SIGCONT');
      assert.ok(given.every((failure) => 'failed' in failure && failure.failed === 'timeout'));
      // Answered on the same connection, so after all of them.
      const seen = await store.ask('inspect', question(0), monotonicMs() + 5_000);
      assert.ok('windows' in seen);
      assert.equal(seen.windows[0]?.used, 1, `round ${round}`);
      assert.equal((await redis.client.keys('tg:{late}:call:*')).length, 1);
    }
  });

  test('do run if they are in time, also while this process was too busy to read the reply', async () => {
    const pending = store.ask('authorize', question(10_000), monotonicMs() + 50);
    // The command leaves; then the event loop is blocked past the deadline, as a long GC would.
    await new Promise((resolve) => setImmediate(resolve));
    const blockedUntil = performance.now() + 80;
    while (performance.now() < blockedUntil);
    const answer = await pending;
    assert.ok('code' in answer, 'a reply that lies in the socket beats the fired timer');
    assert.equal(answer.code, 'allowed');
  });
});
