import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { DECISION_MS } from '../../src/store/line.js';
import type { AuthorizeResponse__Output } from '../../src/wire/generated/tollgate/v1/AuthorizeResponse.js';
import { type LossyProxy, startProxy } from '../support/proxy.js';
import { NO_REDIS, type RedisProcess, redisUrl, startRedis } from '../support/redis.js';
import { scratchFolder, writeScratch } from '../support/scratch.js';
import { type SidecarProcess, spawnSidecar } from '../support/sidecar.js';
import { until } from '../support/until.js';

const TIMEOUT_MS = 10_000;

/** One rule that denies without Redis, and one that allows. */
const POLICY = `
rules:
  - id: money
    action: block
    match: { agent: "money-*" }
    rateLimit: { metric: estimated_cost_usd, limit: 1000, window: 24h }
  - id: calls
    action: block
    match: { agent: "calls-*" }
    rateLimit: { limit: 1000, window: 1h }
`;

describe('Redis away, frozen, slow or forgetful', { skip: NO_REDIS }, () => {
  const folder = scratchFolder();
  let redis: RedisProcess;
  let proxy: LossyProxy;
  let sidecar: SidecarProcess;
  let agents = 0;
  before(async () => {
    const policy = writeScratch(folder, POLICY);
    redis = await startRedis();
    proxy = await startProxy(redis.port);
    sidecar = await spawnSidecar({
      REDIS_URL: redisUrl(proxy.port),
      TOLLGATE_POLICY: policy,
    });
  });
  after(async () => {
    redis.signal('SIGCONT');
    await sidecar.stop();
    proxy.close();
    await redis.stop();
  });
  beforeEach(async () => {
    // A test that has failed leaves nothing behind for the next.
    redis.signal('SIGCONT');
    proxy.replies = 'pass';
    await backInOrder();
  });

  const newAgent = (kind: 'money' | 'calls') => `${kind}-${agents++}`;
  const ask = (agent: string, callId = '') =>
    sidecar.channel.authorize({ agent_id: agent, call_id: callId, estimated_cost: 1 }, TIMEOUT_MS);

  /** What Redis itself says that the agent has used: calls, or dollars at one a call. */
  async function used(agent: string): Promise<number> {
    const { decision } = await inspected(agent);
    return (decision.rules[0]?.used ?? Number.NaN) - 1;
  }
  /** Dollars, of an agent whose calls ask for any. */
  async function spent(agent: string): Promise<number | undefined> {
    const asked = { agent_id: agent, estimated_cost: 0 };
    return (await sidecar.channel.inspect(asked, TIMEOUT_MS)).rules[0]?.used;
  }
  async function inspected(agent: string): Promise<{ decision: AuthorizeResponse__Output }> {
    return {
      decision: await sidecar.channel.inspect({ agent_id: agent, estimated_cost: 1 }, TIMEOUT_MS),
    };
  }
  function backInOrder(): Promise<void> {
    return until(
      'decisions by Redis again',
      async () => !(await inspected('money-probe')).decision.degraded,
    );
  }
  function journalEmpty(): Promise<void> {
    return until(
      'the journal to be empty',
      async () => (await sidecar.metric('tollgate_journal_entries')) === 0,
    );
  }

  test('frozen: 200 calls time out by their failure modes, and none is charged after the thaw', async () => {
    const agent = newAgent('money');
    redis.signal('SIGSTOP');
    const startedMs = performance.now();
    const decisions = await Promise.all(Array.from({ length: 200 }, () => ask(agent)));
    const tookMs = performance.now() - startedMs;
    redis.signal('SIGCONT');
    for (const decision of decisions) {
      assert.equal(decision.verdict, 'VERDICT_DENY');
      assert.equal(decision.degraded, true);
      assert.match(decision.degraded_reason, /^(timeout|unavailable)$/);
      assert.equal(decision.rules[0]?.used, undefined, 'what is not known is not said');
      assert.equal(decision.rules[0]?.remaining, undefined);
      assert.equal(decision.never_fits, false);
    }
    // Not a timing to pass or fail by a little: it tells a deadline from none at all.
    assert.ok(tookMs < DECISION_MS * 40, `200 at once took ${tookMs} ms`);
    await backInOrder();
    await journalEmpty();
    assert.equal(await used(agent), 0);
  });

  test('frozen: calls that were told ALLOW are charged afterwards, once each', async () => {
    const agent = newAgent('calls');
    redis.signal('SIGSTOP');
    const decisions = await Promise.all(
      Array.from({ length: 20 }, (_, n) => ask(agent, `id-${n}`)),
    );
    assert.ok(decisions.every(({ verdict, degraded }) => verdict === 'VERDICT_ALLOW' && degraded));
    const again = await ask(agent, 'id-0');
    assert.equal(again.verdict, 'VERDICT_ALLOW', 'a repeat has the first verdict');
    redis.signal('SIGCONT');
    await backInOrder();
    await journalEmpty();
    assert.equal(await used(agent), 20);
    const repeat = await ask(agent, 'id-1');
    assert.equal(repeat.repeat, 1);
    assert.equal(await used(agent), 20);
  });

  for (const loss of ['cut', 'swallow'] as const) {
    test(`reply lost (${loss}): a charge that was told DENY is taken back, one told ALLOW is kept, once`, async () => {
      const [denied, allowed] = [newAgent('money'), newAgent('calls')];
      await Promise.all([ask(denied), ask(allowed)]);
      proxy.replies = loss;
      const lost = await Promise.all([ask(denied, 'lost'), ask(allowed, 'lost')]);
      assert.deepEqual(
        lost.map(({ verdict, degraded }) => [verdict, degraded]),
        [
          ['VERDICT_DENY', true],
          ['VERDICT_ALLOW', true],
        ],
      );
      proxy.replies = 'pass';
      await backInOrder();
      await journalEmpty();
      assert.deepEqual([await used(denied), await used(allowed)], [1, 2]);
      const again = await ask(denied, 'lost');
      assert.equal(again.verdict, 'VERDICT_ALLOW');
      assert.equal(again.repeat, 0, 'the id may be asked again');
      assert.equal(await used(denied), 2);
    });
  }

  test('slow: past the deadline the failure modes answer, and nothing is charged twice', async () => {
    const agent = newAgent('money');
    await ask(agent);
    proxy.replies = { delayMs: DECISION_MS * 4 };
    const slow = await ask(agent);
    assert.equal(slow.degraded, true);
    assert.equal(slow.degraded_reason, 'timeout');
    proxy.replies = 'pass';
    await backInOrder();
    await journalEmpty();
    assert.equal(await used(agent), 1);
  });

  test('slow under a steady load: replies keep coming, each too late, and the failure modes answer', async () => {
    const agent = newAgent('calls');
    await ask(agent);
    proxy.replies = { delayMs: DECISION_MS * 4 };
    const decisions = [];
    for (let n = 0; n < 10; n += 1) {
      decisions.push(...(await Promise.all([ask(agent), ask(agent), ask(agent), ask(agent)])));
    }
    proxy.replies = 'pass';
    for (const { verdict, degraded_reason: reason } of decisions) {
      assert.deepEqual([verdict, reason], ['VERDICT_ALLOW', 'timeout']);
    }
    await backInOrder();
    await journalEmpty();
    assert.equal(await used(agent), 41);
  });

  test('frozen: a settlement and a release are kept, and told once when Redis is back', async () => {
    const agent = newAgent('money');
    const { channel } = sidecar;
    for (const call_id of ['settled', 'released']) await ask(agent, call_id);
    redis.signal('SIGSTOP');
    // So Redis owes an answer already, however late a busy machine sends the next question.
    await ask(newAgent('money'));
    const settlement = { agent_id: agent, call_id: 'settled', cost: 0.25 };
    const settled = await channel.settle(settlement, TIMEOUT_MS);
    assert.deepEqual([settled.pending, settled.degraded_reason], [true, 'timeout']);
    await channel.settle({ ...settlement, cost: 7 }, TIMEOUT_MS);
    const order = { agent_id: agent, call_id: 'released' };
    assert.equal((await channel.release(order, TIMEOUT_MS)).pending, true);
    redis.signal('SIGCONT');
    await backInOrder();
    await journalEmpty();
    assert.equal(await spent(agent), 0.25, 'the first of two settlements counts');
    const again = await channel.settle(settlement, TIMEOUT_MS);
    assert.deepEqual([again.repeat, again.settled?.cost_usd], [true, 0.25]);
  });

  test('frozen: a call that went ahead is charged first and then settled, once, by its id', async () => {
    const agent = newAgent('calls');
    redis.signal('SIGSTOP');
    const decision = await ask(agent, 'ahead');
    assert.deepEqual([decision.verdict, decision.degraded], ['VERDICT_ALLOW', true]);
    const settlement = {
      agent_id: agent,
      call_id: 'ahead',
      cost: 0.5,
      call: { estimated_cost: 1 },
    };
    assert.equal((await sidecar.channel.settle(settlement, TIMEOUT_MS)).pending, true);
    redis.signal('SIGCONT');
    await backInOrder();
    await journalEmpty();
    const again = await sidecar.channel.settle(settlement, TIMEOUT_MS);
    assert.deepEqual([again.state, again.repeat], ['CALL_STATE_SETTLED', true], 'not unauthorized');
    assert.equal(await used(agent), 1);
  });

  test('scripts flushed: the next call loads them again', async () => {
    const agent = newAgent('money');
    await redis.client.script('FLUSH', 'SYNC');
    const decision = await ask(agent);
    assert.equal(decision.degraded, false);
    assert.equal(decision.verdict, 'VERDICT_ALLOW');
  });

  test('killed and started again: decided by failure modes, back by itself, the loss is said', async () => {
    const resets = await sidecar.metric('tollgate_store_resets_total');
    await until(
      'the store to be known',
      async () => (await redis.client.exists('tg:{default}:born')) === 1,
    );
    await redis.kill();
    await until(
      'the sidecar to see it',
      async () => (await sidecar.metric('tollgate_store_up')) === 0,
    );
    const denied = await ask(newAgent('money'));
    assert.equal(denied.degraded_reason, 'unavailable');
    assert.equal(denied.verdict, 'VERDICT_DENY');
    const allowed = await ask(newAgent('calls'));
    assert.equal(allowed.verdict, 'VERDICT_ALLOW');
    assert.equal((await sidecar.ops('/readyz')).status, 200, 'Redis does not decide readiness');
    await redis.restart();
    await backInOrder();
    await until(
      'the reset to be counted',
      async () => (await sidecar.metric('tollgate_store_resets_total')) === resets + 1,
    );
    assert.ok(sidecar.log.some(({ msg }) => String(msg).startsWith('Redis has lost its keys')));
    await journalEmpty();
  });

  test('a caller with little time gets its answer within it', async () => {
    // 5 ms before its end, which a busy machine may miss; a sidecar that took its own 50 ms would always.
    const call = { agent_id: newAgent('calls'), estimated_cost: 1 };
    let decision: AuthorizeResponse__Output | undefined;
    redis.signal('SIGSTOP');
    for (let tries = 0; tries < 20 && !decision; tries += 1) {
      decision = await sidecar.channel.authorize(call, 30).catch(onlyLate);
    }
    redis.signal('SIGCONT');
    assert.equal(decision?.degraded, true);
  });

  test('out of memory: nothing is held, the failure modes decide; what was held is settled', async () => {
    const agent = newAgent('money');
    await ask(agent, 'before');
    await redis.client.config('SET', 'maxmemory', '1');
    try {
      const decision = await ask(agent);
      assert.equal(decision.degraded_reason, 'oom');
      assert.equal(decision.verdict, 'VERDICT_DENY');
      const settlement = { agent_id: agent, call_id: 'before', cost: 0.125 };
      const settled = await sidecar.channel.settle(settlement, TIMEOUT_MS);
      assert.deepEqual([settled.state, settled.pending], ['CALL_STATE_SETTLED', false]);
    } finally {
      await redis.client.config('SET', 'maxmemory', '0');
    }
    assert.equal(await spent(agent), 0.125);
  });

  test('a Redis that may evict is said in log and metric', async () => {
    await redis.client.config('SET', 'maxmemory-policy', 'volatile-lru');
    try {
      // A new connection makes the sidecar look at once.
      await redis.client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      await until(
        'the gauge',
        async () => (await sidecar.metric('tollgate_store_can_evict')) === 1,
      );
      assert.ok(sidecar.log.some(({ maxmemory_policy: policy }) => policy === 'volatile-lru'));
    } finally {
      await redis.client.config('SET', 'maxmemory-policy', 'noeviction');
    }
  });
});

/** An answer that did not come in time is none; any other error is one. */
function onlyLate(error: { code?: number }): undefined {
  assert.equal(error.code, status.DEADLINE_EXCEEDED, String(error));
}
