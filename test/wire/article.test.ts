import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Channel } from '../../src/client/channel.js';
import { sidecarHere } from '../support/sidecar.js';
import { ENGINES, type SimulatedRedis, startSimulated } from '../support/simulated.js';

const START_US = 1_790_000_000_000_000;
const TIMEOUT_MS = 5_000;

for (const { engine, skip } of ENGINES) {
  describe(`the article's rules over gRPC on ${engine}`, { skip }, () => {
    let redis: SimulatedRedis;
    let channel: Channel;
    let stop: () => Promise<void>;
    before(async () => {
      redis = await startSimulated(engine);
      await redis.setClock(START_US);
      // Without a policy file the sidecar has the starter policy, which is the article's.
      ({ channel, stop } = await sidecarHere(redis.address, undefined, redis.scripts));
    });
    after(async () => {
      await stop();
      await redis.close();
    });

    test('the 51st tool call in 60 s is denied, and passes at retry_after', async () => {
      await redis.setClock(START_US);
      const call = { agent_id: 'customer-support-v2', tool: 'search', estimated_cost: 0.0043 };
      for (let n = 1; n <= 50; n += 1) {
        const decision = await channel.authorize(call, TIMEOUT_MS);
        assert.equal(decision.verdict, 'VERDICT_ALLOW', `call ${n}`);
      }
      const denied = await channel.authorize(call, TIMEOUT_MS);
      assert.equal(denied.verdict, 'VERDICT_DENY');
      const rule = denied.rules.find((r) => r.denied);
      assert.deepEqual(
        {
          id: rule?.rule_id,
          partition: rule?.partition,
          used: rule?.used,
          limit: rule?.limit,
          remaining: rule?.remaining,
        },
        {
          id: 'loop-detection',
          partition: 'agent=customer-support-v2',
          used: 50,
          limit: 50,
          remaining: 0,
        },
      );
      assert.match(
        denied.reason,
        /^loop-detection: agent=customer-support-v2 has used 50 of 50 calls in 60 s, and this call asks for 1; try again in 61 s$/,
      );
      assert.equal(denied.never_fits, false);

      const other = await channel.authorize({ ...call, agent_id: 'another' }, TIMEOUT_MS);
      assert.equal(other.verdict, 'VERDICT_ALLOW', 'another agent is untouched');

      const retryMs = denied.retry_after_ms ?? 0;
      assert.ok(retryMs > 0);
      await redis.setClock(START_US + retryMs * 1000);
      const passed = await channel.authorize(call, TIMEOUT_MS);
      assert.equal(passed.verdict, 'VERDICT_ALLOW', 'it passes at retry_after');
    });

    test('$50.00 in 24 h pass, and the next cent does not', async () => {
      await redis.setClock(START_US);
      const spend = (usd: number) =>
        channel.authorize({ agent_id: 'spender', estimated_cost: usd }, TIMEOUT_MS);
      for (let n = 1; n <= 10; n += 1) {
        assert.equal((await spend(5)).verdict, 'VERDICT_ALLOW', `$${n * 5}`);
      }
      const cent = await spend(0.01);
      assert.equal(cent.verdict, 'VERDICT_DENY');
      assert.equal(cent.rules[0]?.used, 50);
      assert.equal(cent.affordable_cost_usd, 0);
      assert.match(
        cent.reason,
        /has used \$50\.00 of \$50\.00 in 24 h, and this call asks for \$0\.01; try again in /,
      );
    });

    test('a call over the limit itself never fits, and is told what would', async () => {
      await redis.setClock(START_US);
      await channel.authorize({ agent_id: 'big', estimated_cost: 20 }, TIMEOUT_MS);
      const decision = await channel.authorize(
        { agent_id: 'big', estimated_cost: 50.01 },
        TIMEOUT_MS,
      );
      assert.equal(decision.verdict, 'VERDICT_DENY');
      assert.equal(decision.never_fits, true);
      assert.equal(decision.retry_after_ms, undefined);
      assert.equal(decision.affordable_cost_usd, 30);
      assert.match(decision.reason, /it never fits/);
    });

    test('a denied call charges none of its rules', async () => {
      await redis.setClock(START_US);
      const call = { agent_id: 'both', tool: 'search', estimated_cost: 30 };
      assert.equal((await channel.authorize(call, TIMEOUT_MS)).verdict, 'VERDICT_ALLOW');
      for (let n = 0; n < 3; n += 1) {
        const denied = await channel.authorize(call, TIMEOUT_MS);
        assert.deepEqual(
          denied.rules.map((r) => [r.rule_id, r.used, r.denied]),
          [
            ['token-budget-daily', 30, true],
            ['loop-detection', 1, false],
          ],
        );
      }
    });

    test('a repeat is answered with the first verdict; another request with its id is refused', async () => {
      await redis.setClock(START_US);
      const call = {
        call_id: 'id-1',
        agent_id: 'repeater',
        tool: 'search',
        estimated_cost: 1,
        labels: { tier: 'a', zone: 'b' },
      };
      const first = await channel.authorize(call, TIMEOUT_MS);
      assert.equal(first.repeat, 0);
      const again = await channel.authorize(
        {
          ...call,
          labels: { zone: 'b', tier: 'a' },
          timestamp: { seconds: 1_700_000_000, nanos: 5 },
        },
        TIMEOUT_MS,
      );
      assert.equal(again.verdict, 'VERDICT_ALLOW');
      assert.equal(again.repeat, 1);
      assert.deepEqual(
        again.rules.map((r) => r.used),
        [1, 1],
        'charged once',
      );
      await assert.rejects(channel.authorize({ ...call, estimated_cost: 2 }, TIMEOUT_MS), {
        code: 6,
        details: /belongs to a different request/,
      });
      await redis.setClock(START_US + 61_000_000);
      await assert.rejects(channel.authorize(call, TIMEOUT_MS), {
        code: 6,
        details: /is finished/,
      });
      const ofAnother = await channel.authorize({ ...call, agent_id: 'somebody' }, TIMEOUT_MS);
      assert.equal(ofAnother.repeat, 0, 'an id is unique within its agent only');
    });

    test('inspect answers the same and charges nothing', async () => {
      await redis.setClock(START_US);
      const call = { call_id: 'seen', agent_id: 'looker', tool: 'search', estimated_cost: 2 };
      for (let n = 0; n < 3; n += 1) {
        const seen = await channel.inspect(call, TIMEOUT_MS);
        assert.deepEqual(
          seen.rules.map((r) => r.used),
          [2, 1],
        );
      }
      const { decided_at_us: at, ...first } = await channel.authorize(call, TIMEOUT_MS);
      assert.equal(at, START_US);
      assert.deepEqual(
        first.rules.map((r) => r.used),
        [2, 1],
      );
    });
  });
}
