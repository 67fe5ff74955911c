import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openChannel } from '../../src/client/channel.js';
import { NO_REDIS, type RedisProcess, startRedis } from '../support/redis.js';
import { scratchFolder, writeScratch } from '../support/scratch.js';
import { type SidecarProcess, spawnSidecar } from '../support/sidecar.js';
import { until } from '../support/until.js';

const TIMEOUT_MS = 20_000;
const CLIENTS = 64;
const LIMIT = 1_000;
/** Twice the limit in all, so that most clients meet the wall. */
const CALLS_EACH = Math.ceil((2 * LIMIT) / CLIENTS);

const POLICY = `
rules:
  - id: hot
    action: block
    match: { agent: "agent-*" }
    per: []
    failureMode: deny
    rateLimit: { limit: ${LIMIT}, window: 1h }
  - id: hot-money
    action: block
    match: { agent: "agent-*" }
    per: []
    rateLimit: { metric: estimated_cost_usd, limit: 5000, window: 1h }
  - id: once
    action: block
    match: { agent: repeats }
    rateLimit: { limit: 10, window: 1h }
`;

describe('a fleet on one Redis', { skip: NO_REDIS }, () => {
  const folder = scratchFolder();
  let redis: RedisProcess;
  let sidecars: SidecarProcess[];
  before(async () => {
    const policy = writeScratch(folder, POLICY);
    redis = await startRedis();
    sidecars = await Promise.all(
      [0, 1, 2].map(() => spawnSidecar({ REDIS_URL: redis.url, TOLLGATE_POLICY: policy })),
    );
  });
  after(async () => {
    await Promise.all(sidecars.map((sidecar) => sidecar.stop()));
    await redis.stop();
  });

  test('64 clients on 3 sidecars pass one hot limit of 1,000 exactly 1,000 times', async () => {
    const verdicts = await Promise.all(
      Array.from({ length: CLIENTS }, async (_, client) => {
        const channel = openChannel(sidecars[client % sidecars.length]?.address ?? '');
        let allowed = 0;
        for (let n = 0; n < CALLS_EACH; n += 1) {
          const call = { agent_id: `agent-${client}`, call_id: `${n}`, estimated_cost: 0.01 };
          // A busy machine may miss the 50 ms: then the same call is asked again.
          let decision = await channel.authorize(call, TIMEOUT_MS);
          while (decision.degraded) decision = await channel.authorize(call, TIMEOUT_MS);
          if (decision.verdict === 'VERDICT_ALLOW') allowed += 1;
        }
        channel.close();
        return allowed;
      }),
    );
    assert.equal(
      verdicts.reduce((sum, allowed) => sum + allowed, 0),
      LIMIT,
    );
    await until('what was lost on the way to be taken back', async () => {
      const entries = await Promise.all(sidecars.map((s) => s.metric('tollgate_journal_entries')));
      return entries.every((count) => count === 0);
    });
    const seen = await sidecars[0]?.channel.inspect(
      { agent_id: 'agent-x', estimated_cost: 0 },
      TIMEOUT_MS,
    );
    assert.deepEqual(
      seen?.rules.map((r) => r.used),
      [LIMIT, LIMIT / 100],
    );
    const counted = await Promise.all(
      sidecars.map((s) => s.metric('tollgate_decisions_total', '{verdict="allow",rule="none"}')),
    );
    assert.equal(
      counted.reduce((a, b) => a + b),
      LIMIT,
      'and the metrics of the fleet say so',
    );
  });

  test('a repeat through another sidecar is the same call', async () => {
    const call = { call_id: 'shared-id', agent_id: 'repeats', estimated_cost: 1 };
    const answers = [];
    for (const sidecar of sidecars) answers.push(await sidecar.channel.authorize(call, TIMEOUT_MS));
    assert.deepEqual(
      answers.map(({ repeat }) => repeat),
      [0, 1, 2],
    );
    assert.ok(answers.every(({ rules }) => rules[0]?.used === 1));
  });
});
