import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Channel } from '../../src/client/channel.js';
import { parsePolicy } from '../../src/policy/parse.js';
import { K8S } from '../support/kustomize.js';
import { NO_REDIS } from '../support/redis.js';
import { tollgate } from '../support/run.js';
import { sidecarHere } from '../support/sidecar.js';
import { type SimulatedRedis, startSimulated } from '../support/simulated.js';

const POLICY = join(K8S, 'base', 'policy', 'policy.yaml');
const START_US = 1_790_000_000_000_000;
const SECOND = 1_000_000;
const TIMEOUT_MS = 5_000;

test('the policy of base is a good one', async () => {
  const { code, out, err } = await tollgate(['check', POLICY]);
  assert.equal(code, 0, out + err);
});

test('while Redis is away it denies what costs money, and it says when money runs low', () => {
  const policy = parsePolicy(readFileSync(POLICY, 'utf8'));
  assert.ok('rules' in policy);
  const money = policy.rules.filter(({ rateLimit }) => rateLimit?.metric === 'estimated_cost_usd');
  assert.equal(money.length, 1);
  for (const { failureMode, rateLimit } of money) {
    assert.equal(failureMode, 'deny');
    assert.ok((rateLimit?.alertAt[0] ?? 1) < 1);
  }
});

describe('the policy of base, in pods', { skip: NO_REDIS }, () => {
  let redis: SimulatedRedis;
  const stops: (() => Promise<void>)[] = [];
  /** Two pods of one agent, and one of another. */
  let first: Channel;
  let second: Channel;
  let other: Channel;
  before(async () => {
    redis = await startSimulated('redis');
    const pod = async (agent: string, instance: string) => {
      const identity = { agent, team: 't', costCentre: '', instance };
      const { channel, stop } = await sidecarHere(redis.address, POLICY, redis.scripts, {
        identity,
        identityRequired: true,
      });
      stops.push(stop);
      return channel;
    };
    first = await pod('a', 'a-1');
    second = await pod('a', 'a-2');
    other = await pod('b', 'b-1');
  });
  beforeEach(async () => {
    await redis.setClock(START_US);
    await redis.flush();
  });
  after(async () => {
    for (const stop of stops) await stop();
    await redis.close();
  });

  const callTool = async (pod: Channel, times: number) => {
    let last = await pod.authorize({ tool: 'search' }, TIMEOUT_MS);
    for (let n = 1; n < times; n += 1) {
      last = await pod.authorize({ tool: 'search' }, TIMEOUT_MS);
    }
    return last;
  };

  test('pods that are busy together are no loop', async () => {
    for (const pod of [first, second]) {
      assert.equal((await callTool(pod, 60)).verdict, 'VERDICT_ALLOW');
    }
  });

  test('one pod in a loop halts its agent in all of them for 15 minutes, and no other agent', async () => {
    const tripped = await callTool(first, 61);
    assert.equal(tripped.verdict, 'VERDICT_DENY');
    assert.match(tripped.reason, /^loop-detection: .*agent=a.*instance=a-1/);
    assert.equal((await callTool(second, 1)).verdict, 'VERDICT_DENY', 'another pod of it');
    assert.equal((await callTool(other, 1)).verdict, 'VERDICT_ALLOW', 'another agent');

    await redis.setClock(START_US + (15 * 60 - 1) * SECOND);
    assert.equal((await callTool(first, 1)).verdict, 'VERDICT_DENY');
    await redis.setClock(START_US + (15 * 60 + 1) * SECOND);
    assert.equal((await callTool(first, 1)).verdict, 'VERDICT_ALLOW');
  });

  test("an agent's dollars of a day are those of all its pods", async () => {
    const spend = async (pod: Channel, usd: number) =>
      (await pod.authorize({ estimated_cost: usd }, TIMEOUT_MS)).verdict;
    assert.equal(await spend(first, 30), 'VERDICT_ALLOW');
    assert.equal(await spend(second, 20.01), 'VERDICT_DENY');
    assert.equal(await spend(second, 20), 'VERDICT_ALLOW');
    assert.equal(await spend(other, 50), 'VERDICT_ALLOW');
    await redis.setClock(START_US + (24 * 60 * 60 + 24 * 60) * SECOND);
    assert.equal(await spend(second, 50), 'VERDICT_ALLOW');
  });
});
