/**
 * One process of load: keeps CONCURRENCY calls in the air for SECONDS, then prints what it saw.
 * usage: load.js grpc ADDRESS CONCURRENCY SECONDS
 *        load.js pair ADDRESS CONCURRENCY SECONDS     each call is settled: two requests count as one
 *        load.js plain REDIS_PORT CONCURRENCY SECONDS LIMITS
 */
import { Redis } from 'ioredis';
import { openChannel } from '../../src/client/channel.js';

/** Agents that take turns, as on a shared key: each has windows of its own. */
const AGENTS = 100;
const TIMEOUT_MS = 10_000;

const [kind = '', target = '', concurrencyText, secondsText, limits = '0'] = process.argv.slice(2);
const concurrency = Number(concurrencyText);
const call =
  kind === 'plain' ? plain(Number(target), Number(limits)) : grpc(target, kind === 'pair');

const latenciesMs: number[] = [];
let denied = 0;
let degraded = 0;
const endMs = performance.now() + Number(secondsText) * 1000;
await Promise.all(
  Array.from({ length: concurrency }, async (_, worker) => {
    for (let n = worker; performance.now() < endMs; n += concurrency) {
      const startedMs = performance.now();
      const verdict = await call(n % AGENTS);
      latenciesMs.push(performance.now() - startedMs);
      if (verdict === 'denied') denied += 1;
      if (verdict === 'degraded') degraded += 1;
    }
  }),
);
latenciesMs.sort((a, b) => a - b);
const at = (share: number) => latenciesMs[Math.floor(latenciesMs.length * share)] ?? 0;
console.log(
  JSON.stringify({ calls: latenciesMs.length, denied, degraded, p50: at(0.5), p99: at(0.99) }),
);
process.exit(0);

function grpc(address: string, settled: boolean): (agent: number) => Promise<string> {
  const channel = openChannel(address);
  return async (agent) => {
    const decision = await channel.authorize(
      {
        agent_id: `agent-${agent}`,
        team_id: 'customer-ops',
        cost_centre: 'CC-2041',
        tool: 'openai_completion',
        model: 'gpt-4o',
        tokens_in: 1240,
        tokens_out: 89,
        estimated_cost: 0.0043,
      },
      TIMEOUT_MS,
    );
    if (decision.degraded) return 'degraded';
    if (settled) {
      const { pending } = await channel.settle(
        {
          agent_id: `agent-${agent}`,
          call_id: decision.call_id,
          team_id: 'customer-ops',
          cost_centre: 'CC-2041',
          model: 'gpt-4o',
          tokens_in: 1240,
          tokens_out: 71,
        },
        TIMEOUT_MS,
      );
      if (pending) return 'degraded';
    }
    return decision.verdict === 'VERDICT_DENY' ? 'denied' : 'allowed';
  };
}

/** What a fixed-window limiter costs Redis: INCRBY and EXPIRE for each limit, in one pipeline. */
function plain(port: number, count: number): (agent: number) => Promise<string> {
  const redis = new Redis(port);
  return async (agent) => {
    const pipeline = redis.pipeline();
    for (let i = 0; i < count; i += 1) {
      pipeline.incrby(`plain:${i}:${agent}`, 1);
      pipeline.expire(`plain:${i}:${agent}`, 60);
    }
    await pipeline.exec();
    return 'allowed';
  };
}
