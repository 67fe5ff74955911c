import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { NO_REDIS, type RedisProcess, startRedis } from '../support/redis.js';
import { scratchFolder, writeScratch } from '../support/scratch.js';
import { type SidecarProcess, spawnSidecar } from '../support/sidecar.js';

const TIMEOUT_MS = 20_000;
/** What one call of the runaway takes before it is settled. */
const CALL_MS = 200;

const POLICY = `
rules:
  - id: published
    action: block
    match: { agent: "runaway-*" }
    rateLimit: { metric: estimated_cost_usd, limit: 1.00, window: 24h }
  - id: token-budget-daily
    action: block
    match: { agent: ["daily-*", "halted-*"] }
    rateLimit: { metric: estimated_cost_usd, limit: 50.00, window: 86400 }
  - id: halt-on-budget
    action: halt
    match: { agent: "halted-*" }
    rateLimit: { metric: estimated_cost_usd, limit: 50.00, window: 86400 }
  - id: failing-tool
    action: block
    match: { agent: "failing-*", tool: "*" }
    rateLimit: { limit: 50, window: 60 }
`;

describe('an agent that runs away', { skip: NO_REDIS }, () => {
  const folder = scratchFolder();
  let redis: RedisProcess;
  let sidecars: SidecarProcess[];
  before(async () => {
    redis = await startRedis();
    const env = { REDIS_URL: redis.url, TOLLGATE_POLICY: writeScratch(folder, POLICY) };
    // Gates alone: what a keeper reads of windows is counted nowhere here.
    sidecars = await Promise.all([0, 1, 2].map(() => spawnSidecar(env, ['--role', 'gate'])));
  });
  after(async () => {
    await Promise.all(sidecars.map((sidecar) => sidecar.stop()));
    await redis.stop();
  });

  /** Plays `calls` calls by so many workers over all sidecars; says how many of them passed. */
  async function run(
    workers: number,
    calls: number,
    attempt: (sidecar: SidecarProcess, n: number) => Promise<boolean>,
  ): Promise<number> {
    let next = 0;
    let passed = 0;
    await Promise.all(
      Array.from({ length: workers }, async (_, worker) => {
        while (next < calls) {
          next += 1;
          if (await attempt(sidecars[(worker + next) % 3] as SidecarProcess, next)) passed += 1;
        }
      }),
    );
    return passed;
  }

  const spent = async (agent: string) => {
    const asked = { agent_id: agent, estimated_cost: 0 };
    const { rules } = await (sidecars[0] as SidecarProcess).channel.inspect(asked, TIMEOUT_MS);
    return rules[0]?.used;
  };

  for (const workers of [1, 64]) {
    test(`100 attempts of $0.18 against $1.00 by ${workers} at once: exactly 5 pass, $0.90 is spent`, async () => {
      const agent = `runaway-${workers}`;
      const passed = await run(workers, 100, async ({ channel }, n) => {
        const call = { agent_id: agent, call_id: `${n}` };
        const asked = { ...call, estimated_cost: 0.18 };
        // A busy machine may miss the 50 ms: then the same call is asked again.
        let decision = await channel.authorize(asked, TIMEOUT_MS);
        while (decision.degraded) decision = await channel.authorize(asked, TIMEOUT_MS);
        if (decision.verdict !== 'VERDICT_ALLOW') return false;
        await new Promise((resolve) => setTimeout(resolve, CALL_MS));
        await channel.settle({ ...call, cost: 0.18 }, TIMEOUT_MS);
        return true;
      });
      assert.deepEqual([passed, await spent(agent)], [5, 0.9]);
    });
  }

  test('10,000 calls of $5 as fast as they go spend exactly $50', async () => {
    const passed = await run(64, 10_000, async ({ channel }) => {
      const call = { agent_id: 'daily-1', tool: 'completion', estimated_cost: 5 };
      return (await channel.authorize(call, TIMEOUT_MS)).verdict === 'VERDICT_ALLOW';
    });
    assert.deepEqual([passed, await spent('daily-1')], [10, 50]);
  });

  test('with halt, what follows the first denial is refused before any window is read', async () => {
    const reads = async () =>
      Number(/cmdstat_mget:calls=(\d+)/.exec(await redis.client.info('commandstats'))?.[1]);
    const call = { agent_id: 'halted-1', tool: 'completion', estimated_cost: 5 };
    const one = sidecars[0] as SidecarProcess;
    for (let n = 0; n < 10; n += 1) await one.channel.authorize(call, TIMEOUT_MS);
    const first = await one.channel.authorize(call, TIMEOUT_MS);
    assert.deepEqual([first.verdict, first.halt?.rule_id], ['VERDICT_DENY', 'halt-on-budget']);
    const before = await reads();
    const passed = await run(64, 300, async ({ channel }) => {
      const { verdict, reason } = await channel.authorize(call, TIMEOUT_MS);
      assert.match(reason, /^HALTED/);
      return verdict === 'VERDICT_ALLOW';
    });
    assert.deepEqual([passed, await reads()], [0, before]);
  });

  test('a failing tool in a loop trips loop-detection: attempts are not given back', async () => {
    const passed = await run(8, 200, async ({ channel }, n) => {
      const call = { agent_id: 'failing-1', call_id: `${n}`, tool: 'search' };
      const { verdict } = await channel.authorize(call, TIMEOUT_MS);
      if (verdict !== 'VERDICT_ALLOW') return false;
      const end = { agent_id: call.agent_id, call_id: call.call_id };
      if (n % 2) await channel.release({ ...end, why: 'it failed' }, TIMEOUT_MS);
      else await channel.settle({ ...end, outcome: 'OUTCOME_ERROR', cost: 0 }, TIMEOUT_MS);
      return true;
    });
    assert.equal(passed, 50);
  });
});
