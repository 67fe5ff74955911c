import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { type ServiceError, status } from '@grpc/grpc-js';
import type { SettleRequest } from '../../src/wire/generated/tollgate/v1/SettleRequest.js';
import { type LossyProxy, startProxy } from '../support/proxy.js';
import { NO_REDIS, type RedisProcess, redisUrl, startRedis } from '../support/redis.js';
import { scratchFolder, writeScratch } from '../support/scratch.js';
import { type Seeded, seeded } from '../support/seed.js';
import { type SidecarProcess, spawnSidecar } from '../support/sidecar.js';
import { until } from '../support/until.js';

const TIMEOUT_MS = 2_000;
const WORKERS = 16;
const CALLS = 300 * Number(process.env['TEST_RUNS'] ?? 1);

const UNHELD = 'CALL_STATE_UNHELD';

/** Two shapes of the same rules; agents called open-* go on without Redis, the others do not. */
const policyOf = (windowS: number) => `
holdFor: 10m
rules:
  - id: money
    action: block
    match: { agent: ["*", "!open-*"] }
    rateLimit: { metric: estimated_cost_usd, limit: 100000, window: ${windowS} }
  - id: open-money
    action: block
    failureMode: allow
    match: { agent: "open-*" }
    rateLimit: { metric: estimated_cost_usd, limit: 100000, window: ${windowS} }
  - id: tokens
    action: alert
    rateLimit: { metric: tokens, limit: 1000000, window: 24h }
  - id: calls
    action: alert
    rateLimit: { limit: 1000000, window: ${windowS * 2} }
`;

/** What an agent has used and holds, as whoever reads every answer would keep it. */
interface Sums {
  micros: number;
  tokens: number;
  calls: number;
}

describe('settle, release, repeat, lose, kill and reload, all at once', { skip: NO_REDIS }, () => {
  const folder = scratchFolder();
  const policy = writeScratch(folder, policyOf(7_200), 'policy.yaml');
  let redis: RedisProcess;
  let proxies: LossyProxy[];
  let sidecars: SidecarProcess[];
  const start = (proxy: LossyProxy) =>
    spawnSidecar({
      REDIS_URL: redisUrl(proxy.port),
      TOLLGATE_POLICY: policy,
    });
  before(async () => {
    redis = await startRedis();
    proxies = await Promise.all([0, 1, 2].map(() => startProxy(redis.port)));
    sidecars = await Promise.all(proxies.map(start));
  });
  after(async () => {
    await Promise.all(sidecars.map((sidecar) => sidecar.stop()));
    for (const proxy of proxies) proxy.close();
    await redis.stop();
  });

  /** A rule's windows of one agent, those of every shape together. */
  async function usedOf(rule: string, agent: string): Promise<number> {
    const keys = await redis.client.keys(`tg:{default}:w:${rule}:*:agent=${agent}`);
    let sum = 0;
    for (const key of keys) {
      const raw = (await redis.client.getBuffer(key)) ?? Buffer.alloc(11);
      sum += raw.readDoubleLE(3 + raw.readUInt8(1) * 16);
    }
    return sum;
  }

  /** The first sidecar is never killed, so nothing that it must still tell Redis is lost with it. */
  function sidecarFor(agent: string, random: Seeded): SidecarProcess {
    return sidecars[agent.startsWith('open-') ? 0 : random.below(3)] as SidecarProcess;
  }

  /** Asks, elsewhere if need be, until somebody knows: was the call admitted? */
  async function admitted(
    call: { agent_id: string; call_id: string },
    random: Seeded,
    answers: string[],
  ): Promise<boolean | 'unknown'> {
    for (;;) {
      try {
        const { channel } = sidecarFor(call.agent_id, random);
        const decision = await channel.authorize(call, TIMEOUT_MS);
        const { verdict, repeat, degraded_reason: why, decided_at_us: at } = decision;
        answers.push(`${verdict} repeat ${repeat} ${why} at ${at}`);
        if (verdict === 'VERDICT_ALLOW') return true;
        if (!decision.degraded) return false;
      } catch (error) {
        answers.push((error as Error).message);
        // Every attempt at it was lost, and is taken back: or one was admitted after all.
        if ((error as ServiceError).code === status.ALREADY_EXISTS) return 'unknown';
        await pause(20);
      }
    }
  }

  /** Settles or releases, elsewhere if need be, until it is done; only the first sidecar may do it later. */
  async function end(
    how: 'settle' | 'release',
    request: SettleRequest & { agent_id: string },
    random: Seeded,
    answers: string[],
    definite = false,
  ): Promise<string> {
    for (;;) {
      try {
        const { channel } = sidecarFor(request.agent_id, random);
        const { pending, state } = await channel[how](request, TIMEOUT_MS);
        answers.push(`${how}: ${state} ${pending} at ${Date.now()}`);
        if (!pending || (request.agent_id.startsWith('open-') && !definite)) return state;
      } catch {
        await pause(20);
      }
    }
  }

  /** What was answered of every call, to be told if one is lost. */
  const told: { agent: string; call_id: string; answers: string[] }[] = [];

  /** The calls of an agent that Redis does not know. */
  async function lost(of: string): Promise<string[]> {
    const lines: string[] = [];
    for (const { agent, call_id, answers } of told) {
      if (agent !== of) continue;
      const { channel } = sidecars[0] as SidecarProcess;
      const { state } = await channel.settle({ agent_id: agent, call_id }, TIMEOUT_MS);
      if (state === UNHELD) lines.push(`${call_id}: ${answers.join('; ')}`);
    }
    return lines;
  }

  async function work(n: number, random: Seeded, sums: Map<string, Sums>): Promise<void> {
    const agent = random.pick(['a', 'b', 'open-c']);
    const held = {
      micros: random.below(2_000),
      tokens_in: random.below(500),
      tokens_out: random.below(500),
    };
    const call = {
      agent_id: agent,
      call_id: `call-${n}`,
      estimated_cost: held.micros / 1e6,
      tokens_in: held.tokens_in,
      tokens_out: held.tokens_out + 1,
    };
    /** Told if it fails. */
    const answers: string[] = [];
    told.push({ agent, call_id: call.call_id, answers });
    const asked = await admitted(call, random, answers);
    assert.ok(asked, 'no limit is near');
    // Settled, it cannot be taken back any more; unheld, nobody has it.
    if (asked === 'unknown' && (await end('settle', call, random, answers, true)) === UNHELD)
      return;
    if (random.onceIn(5)) await admitted(call, random, answers);
    const sum = sums.get(agent) as Sums;
    const name = { agent_id: agent, call_id: call.call_id };
    let tokens = call.tokens_in + call.tokens_out;
    let { micros } = held;
    const fate = asked === 'unknown' ? 3 : random.below(10);
    if (fate < 2) {
      const state = await end('release', name, random, answers);
      assert.notEqual(state, UNHELD, `${agent}: ${answers.join('; ')}`);
      micros = 0;
      tokens = 0;
    }
    if (fate === 0 || fate > 3) {
      micros = random.below(4_000);
      const tokensOut = random.below(1_000);
      tokens = call.tokens_in + tokensOut;
      const settlement = { ...name, cost: micros / 1e6, tokens_out: tokensOut };
      const state = await end('settle', settlement, random, answers);
      assert.notEqual(state, UNHELD, `${agent}: ${answers.join('; ')}`);
      if (random.onceIn(4)) await end('settle', { ...settlement, cost: 0.5 }, random, answers);
      if (random.onceIn(4)) await end('release', name, random, answers);
    }
    sum.micros += micros;
    sum.tokens += tokens;
    sum.calls += 1;
  }

  /** Loses replies, kills sidecars and changes the policy until it is told to stop. */
  async function disturb(random: Seeded, isOver: () => boolean): Promise<void> {
    for (let n = 0; !isOver(); n += 1) {
      const proxy = random.pick(proxies);
      proxy.replies = random.pick(['cut', 'swallow', { delayMs: 70 }] as const);
      await pause(60 + random.below(100));
      proxy.replies = 'pass';
      if (n % 4 === 1) writeFileSync(policy, policyOf(random.pick([3_600, 7_200, 10_800])));
      if (n % 6 === 4) {
        const at = 1 + random.below(2);
        const killed = sidecars[at] as SidecarProcess;
        killed.child.kill('SIGKILL');
        sidecars[at] = await start(proxies[at] as LossyProxy);
        await killed.stop();
      }
      await pause(50);
    }
    for (const proxy of proxies) proxy.replies = 'pass';
  }

  test('every window holds exactly what was settled and what is held', async (t) => {
    const random = seeded();
    t.diagnostic(`SEED=${random.seed}`);
    const sums = new Map(
      ['a', 'b', 'open-c'].map((agent) => [agent, { micros: 0, tokens: 0, calls: 0 }]),
    );
    let next = 0;
    let over = false;
    const disturbing = disturb(random, () => over);
    await Promise.all(
      Array.from({ length: WORKERS }, async () => {
        while (next < CALLS) {
          next += 1;
          await work(next, random, sums);
        }
      }),
    );
    over = true;
    await disturbing;
    await until('every journal to be empty', async () => {
      const entries = await Promise.all(sidecars.map((s) => s.metric('tollgate_journal_entries')));
      return entries.every((count) => count === 0);
    });
    for (const [agent, sum] of sums) {
      const money = agent.startsWith('open-') ? 'open-money' : 'money';
      const used = {
        micros: (await usedOf(money, agent)) / 1_000,
        tokens: await usedOf('tokens', agent),
        calls: await usedOf('calls', agent),
      };
      const same = isDeepStrictEqual(used, sum);
      if (!same) t.diagnostic(`lost of ${agent}: ${(await lost(agent)).join('\n')}`);
      assert.deepEqual(used, sum, `agent ${agent}, SEED=${random.seed}`);
    }
  });
});

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
