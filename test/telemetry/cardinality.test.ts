import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createObserver } from '../../src/guard/observe.js';
import { createLifeObserver } from '../../src/guard/observe-life.js';
import { createAnnouncer } from '../../src/guard/thresholds.js';
import { NOTHING } from '../../src/model/amounts.js';
import type { Call } from '../../src/model/call.js';
import type { Decision } from '../../src/model/decision.js';
import type { Settlement, SettlementOutcome } from '../../src/model/settlement.js';
import { parsePolicy } from '../../src/policy/parse.js';
import { factsOf } from '../../src/store/facts.js';
import { createLog } from '../../src/telemetry/log.js';
import { createMetrics } from '../../src/telemetry/metrics.js';
import { callOf } from '../support/call.js';
import { NO_REDIS, startRedis } from '../support/redis.js';
import { samplesOf } from '../support/scraped.js';
import { scratchFolder, writeScratch } from '../support/scratch.js';
import { spawnSidecar } from '../support/sidecar.js';
import { until } from '../support/until.js';

const MAX_SERIES = 200;
/** One call in so many is denied as well. */
const DENIED_OF = 4;
const ROUNDS = 5;
const PER_ROUND = 20_000;
/** What rounds may differ by once the families are full; the names of one round alone are 10 MB. */
const FLAT_BYTES = 1_500_000;
const TIMEOUT_MS = 10_000;

const BOUNDED = [
  'tollgate_calls_total',
  'tollgate_spend_usd_total',
  'tollgate_tokens_total',
  'tollgate_denials_total',
  'tollgate_assumed_price_calls_total',
  'tollgate_overage_usd_total',
];

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** A name as long as any may be, unlike all others. */
function nameOf(kind: string, n: number): string {
  return `${kind} "${n}" \\ {} ${'ü'.repeat(110)}`;
}

function decisionOf(call: Call, verdict: 'allow' | 'deny'): Decision {
  return {
    verdict,
    callId: call.callId,
    decidedAtUs: 1,
    amounts: { costNano: 4_300_000, costSource: 'assumed', tokensIn: 7, tokensOut: 2 },
    rules: [],
    degraded: undefined,
    repeat: 0,
    unmatched: false,
    unpriced: false,
    policyHash: '',
    halt: undefined,
    lineage: '',
    affordable: { costNano: undefined, tokensOut: undefined },
    reason: '',
  };
}

const SETTLED: SettlementOutcome = {
  callId: '',
  state: 'settled',
  settled: { costNano: 4_300_000, costSource: 'caller', tokensIn: 7, tokensOut: 2 },
  held: NOTHING,
  overageNano: 4_300_000,
  overageTokens: 0,
  settledAtUs: 1,
  repeat: false,
  late: false,
  usageProblem: '',
  pending: undefined,
};

/** Series and sum of each family in the text of a scrape. */
function families(text: string): Map<string, { series: number; sum: number }> {
  const found = new Map<string, { series: number; sum: number }>();
  for (const { name, value } of samplesOf(text)) {
    const family = found.get(name) ?? { series: 0, sum: 0 };
    found.set(name, { series: family.series + 1, sum: family.sum + value });
  }
  return found;
}

describe('an agent that makes up names without end', () => {
  test('100,000 tools and models: series are bounded, memory is flat, sums are exact', async (t) => {
    const metrics = createMetrics({ gateSeries: MAX_SERIES });
    const log = createLog('silent', 'json');
    const announce = createAnnouncer(metrics, log);
    const notes = { denied() {}, raised() {}, close: async () => {} };
    const observe = createObserver(metrics, log, announce, notes);
    const policy = parsePolicy('rules: []');
    if (!('hash' in policy)) throw new Error('the policy is good');
    const life = createLifeObserver(() => policy, metrics, log, announce);
    const settlement: Settlement = {
      ...{ callId: '', identity: callOf(), model: '', provider: '', usageJson: '' },
      ...{ tokensIn: 7, tokensOut: 2, cachedTokensIn: undefined, cacheWriteTokensIn: undefined },
      ...{ costUsd: undefined, outcome: 'ok' as const, call: undefined },
    };

    const heaps: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      for (let i = 0; i < PER_ROUND; i += 1) {
        const n = round * PER_ROUND + i;
        const names = { tool: nameOf('tool', n), model: nameOf('model', n) };
        const call = callOf({ agent: 'a', team: nameOf('team', n), ...names });
        observe(call, decisionOf(call, 'allow'), 0.001);
        if (n % DENIED_OF === 0) observe(call, decisionOf(call, 'deny'), 0.001);
        life.settled(settlement, SETTLED, factsOf(call), []);
      }
      await metrics.registry.metrics();
      collectGarbage();
      heaps.push(process.memoryUsage().heapUsed);
    }
    const startedMs = performance.now();
    const text = await metrics.registry.metrics();
    const scrapedMs = performance.now() - startedMs;
    const grownBytes = (heaps.at(-1) ?? 0) - (heaps[1] ?? 0);
    t.diagnostic(
      `scrape ${scrapedMs.toFixed(1)} ms, ${text.length} bytes; heap ${heaps.map((b) => (b / 1e6).toFixed(1)).join(', ')} MB`,
    );
    assert.ok(grownBytes < FLAT_BYTES, `the heap has grown by ${grownBytes} bytes`);

    const found = families(text);
    for (const name of BOUNDED) assert.ok((found.get(name)?.series ?? 0) <= MAX_SERIES, name);
    const calls = ROUNDS * PER_ROUND;
    const sumOf = (name: string) => found.get(name)?.sum;
    assert.equal(sumOf('tollgate_calls_total'), calls);
    assert.equal(sumOf('tollgate_tokens_total'), calls * 9);
    assert.equal(sumOf('tollgate_denials_total'), calls / DENIED_OF);
    assert.equal(sumOf('tollgate_assumed_price_calls_total'), calls + calls / DENIED_OF);
    // Each series is exact; the sum of them is taken here, in floating point.
    assert.equal(sumOf('tollgate_spend_usd_total')?.toFixed(6), (calls * 0.0043).toFixed(6));
    assert.equal(sumOf('tollgate_overage_usd_total')?.toFixed(6), (calls * 0.0043).toFixed(6));
    const overflow = samplesOf(text).find(
      ({ name, labels }) =>
        name === 'tollgate_series_overflow_total' && labels['family'] === 'tollgate_calls_total',
    );
    assert.equal(overflow?.value, calls - (MAX_SERIES - 1));
  });

  test('2,000 tools through a sidecar: the same, at its own bound', {
    skip: NO_REDIS,
  }, async (t) => {
    const redis = await startRedis();
    const env = {
      REDIS_URL: redis.url,
      TOLLGATE_GATE_SERIES: '50',
      TOLLGATE_POLICY: writeScratch(scratchFolder(), 'rules: []'),
    };
    const sidecar = await spawnSidecar(env, ['--role', 'gate']);
    try {
      let next = 0;
      const callAll = async () => {
        while (next < 2_000) {
          const tool = nameOf('tool', next++);
          const call = { agent_id: 'a', tool, estimated_cost: 0.01, final: true };
          await sidecar.channel.authorize(call, TIMEOUT_MS);
        }
      };
      await Promise.all(Array.from({ length: 16 }, callAll));
      let text = '';
      const spent = async () => {
        text = await (await sidecar.ops('/metrics')).text();
        return families(text).get('tollgate_spend_usd_total')?.sum.toFixed(6);
      };
      // What a loaded machine has decided without Redis is spent once Redis is told.
      await until('all to be spent', async () => (await spent()) === (20).toFixed(6));
      const startedMs = performance.now();
      await spent();
      t.diagnostic(`scrape ${(performance.now() - startedMs).toFixed(1)} ms, ${text.length} bytes`);
      const found = families(text);
      for (const name of BOUNDED) assert.ok((found.get(name)?.series ?? 0) <= 50, name);
      assert.deepEqual(found.get('tollgate_calls_total'), { series: 50, sum: 2_000 });
    } finally {
      await sidecar.stop();
      await redis.stop();
    }
  });
});
