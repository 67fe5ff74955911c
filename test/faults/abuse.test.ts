import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { AuthorizeResponse__Output } from '../../src/wire/generated/tollgate/v1/AuthorizeResponse.js';
import { type LossyProxy, startProxy } from '../support/proxy.js';
import { NO_REDIS, type RedisProcess, redisUrl, startRedis } from '../support/redis.js';
import { scratchFolder, writeScratch } from '../support/scratch.js';
import { type SidecarProcess, spawnSidecar } from '../support/sidecar.js';
import { until } from '../support/until.js';

const TIMEOUT_MS = 10_000;
const LIMIT = 20;

/** Everything here has failure mode allow: what an agent could bring about, it could profit from. */
const POLICY = `
rules:
  - id: loop
    action: block
    match: { tool: loop }
    rateLimit: { limit: ${LIMIT}, window: 24h }
  - id: watch
    action: alert
    match: { tool: spend }
    alertAt: [0.5, 1.0]
    rateLimit: { metric: estimated_cost_usd, limit: 50, window: 24h }
`;

describe('an agent that tries to profit from a missing answer', { skip: NO_REDIS }, () => {
  const folder = scratchFolder();
  let redis: RedisProcess;
  let proxy: LossyProxy;
  let sidecar: SidecarProcess;
  before(async () => {
    redis = await startRedis();
    proxy = await startProxy(redis.port);
    sidecar = await spawnSidecar({
      REDIS_URL: redisUrl(proxy.port),
      TOLLGATE_POLICY: writeScratch(folder, POLICY),
    });
  });
  after(async () => {
    await sidecar.stop();
    proxy.close();
    await redis.stop();
  });
  beforeEach(backInOrder);

  function backInOrder(): Promise<void> {
    return until('decisions by Redis again', async () => {
      const probe = await sidecar.channel.inspect({ agent_id: 'probe', tool: 'loop' }, TIMEOUT_MS);
      return !probe.degraded && (await sidecar.metric('tollgate_journal_entries')) === 0;
    });
  }
  const usedBy = async (agent: string) =>
    (await sidecar.channel.inspect({ agent_id: agent, tool: 'loop' }, TIMEOUT_MS)).rules[0]?.used ??
    0;

  test('a short deadline of its own never passes a limit', async () => {
    const decisions: AuthorizeResponse__Output[] = [];
    for (const deadlineMs of [4, 5, 6, 7, 8, 10, 20]) {
      // One after the other, so that the server has time to answer within them.
      for (let n = 0; n < 60; n += 1) {
        await sidecar.channel.authorize({ agent_id: 'hasty', tool: 'loop' }, deadlineMs).then(
          (decision) => decisions.push(decision),
          () => {},
        );
      }
    }
    const tooShort = decisions.filter(({ degraded_reason: reason }) => reason === 'deadline');
    assert.ok(tooShort.length > 0, 'some deadlines were too short');
    assert.ok(tooShort.every(({ verdict }) => verdict === 'VERDICT_DENY'));
    const allowed = decisions.filter(
      ({ verdict, degraded }) => verdict === 'VERDICT_ALLOW' && !degraded,
    );
    assert.ok(allowed.length <= LIMIT, `${allowed.length} were allowed`);
  });

  test('a burst passes no limit by Redis, and what the failure mode lets pass is charged', async () => {
    const decisions = await Promise.all(
      Array.from({ length: 2_000 }, () =>
        sidecar.channel.authorize({ agent_id: 'bursting', tool: 'loop' }, TIMEOUT_MS),
      ),
    );
    const allowed = decisions.filter(
      ({ verdict, degraded }) => verdict === 'VERDICT_ALLOW' && !degraded,
    );
    assert.ok(allowed.length <= LIMIT);
    // Where Redis itself fell silent under the load, the failure mode may allow: those are charged.
    await backInOrder();
    const passed = decisions.filter(({ verdict }) => verdict === 'VERDICT_ALLOW').length;
    assert.equal((await usedBy('bursting')) - (passed < LIMIT ? 1 : 0), passed);
    const overloaded = decisions.filter(({ degraded_reason: reason }) => reason === 'overloaded');
    assert.ok(overloaded.every(({ verdict }) => verdict === 'VERDICT_DENY'));
  });

  test('a constant call id buys 9 calls while Redis is away, no more, and one is charged', async () => {
    redis.signal('SIGSTOP');
    const ask = () =>
      sidecar.channel
        .authorize({ call_id: 'constant', agent_id: 'constant', tool: 'loop' }, TIMEOUT_MS)
        .then(
          ({ verdict, repeat }) => `${verdict} ${repeat}`,
          ({ code }) => `error ${code}`,
        );
    const answers = [];
    for (let n = 0; n < 12; n += 1) answers.push(await ask());
    redis.signal('SIGCONT');
    assert.deepEqual(answers, [
      ...Array.from({ length: 9 }, (_, n) => `VERDICT_ALLOW ${n}`),
      ...Array(3).fill('error 6'),
    ]);
    await backInOrder();
    assert.equal((await usedBy('constant')) - 1, 1);
  });

  test('nor do many at once with one id; another request with it is refused', async () => {
    redis.signal('SIGSTOP');
    const ask = (cost: number) =>
      sidecar.channel
        .authorize(
          { call_id: 'shared', agent_id: 'sharing', tool: 'loop', estimated_cost: cost },
          TIMEOUT_MS,
        )
        .then(
          ({ verdict }) => verdict,
          ({ code }) => `error ${code}`,
        );
    const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => ask(n < 60 ? 1 : n)));
    redis.signal('SIGCONT');
    const allowed = answers.filter((answer) => answer === 'VERDICT_ALLOW').length;
    assert.equal(allowed, 9);
    assert.ok(answers.every((answer) => answer === 'VERDICT_ALLOW' || answer === 'error 6'));
    await backInOrder();
    assert.equal((await usedBy('sharing')) - 1, 1);
  });

  test('what was spent while Redis was away raises its thresholds when Redis is back', async () => {
    const spend = () =>
      sidecar.channel.authorize(
        { agent_id: 'spender', tool: 'spend', estimated_cost: 10 },
        TIMEOUT_MS,
      );
    await spend();
    proxy.replies = 'swallow';
    for (let n = 0; n < 6; n += 1) assert.equal((await spend()).degraded, true);
    proxy.replies = 'pass';
    await backInOrder();
    assert.equal((await spend()).rules[0]?.used, 80);
    const raised = sidecar.log
      .filter(({ rule, threshold }) => rule === 'watch' && threshold !== undefined)
      .map(({ threshold }) => threshold);
    assert.deepEqual(raised, [0.5, 1]);
  });

  test('a stop waits until Redis has been told of what was allowed', async () => {
    redis.signal('SIGSTOP');
    const decisions = await Promise.all(
      Array.from({ length: 500 }, (_, n) =>
        sidecar.channel.authorize({ agent_id: `stopped-${n}`, tool: 'loop' }, TIMEOUT_MS),
      ),
    );
    const told = decisions.filter(({ verdict }) => verdict === 'VERDICT_ALLOW').length;
    assert.equal(told, 500, JSON.stringify(decisions.find((d) => d.verdict === 'VERDICT_DENY')));
    proxy.replies = { delayMs: 5 };
    redis.signal('SIGCONT');
    assert.equal(await sidecar.stop(), 0);
    proxy.replies = 'pass';
    assert.equal((await redis.client.keys('tg:{default}:w:loop:*agent=stopped-*')).length, 500);
  });
});
