import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { sliceUs } from '../../src/store/question.js';
import type { AuthorizeRequest } from '../../src/wire/generated/tollgate/v1/AuthorizeRequest.js';
import type { AuthorizeResponse__Output } from '../../src/wire/generated/tollgate/v1/AuthorizeResponse.js';
import { NO_REDIS, type RedisProcess, startRedis } from '../support/redis.js';
import { Reference } from '../support/reference.js';
import { type Run, tollgate } from '../support/run.js';
import { scratchFolder, writeScratch } from '../support/scratch.js';
import { type SidecarProcess, spawnSidecar } from '../support/sidecar.js';

const TRACE = fileURLToPath(
  new URL('../../../../shared/traces/azure-llm-code-2023.csv', import.meta.url),
);
const ARTICLE_RECORD = fileURLToPath(
  new URL('../../../test/cli/article-record.json', import.meta.url),
);

/** The article's limits, shortened in time so that windows slide during the replay. */
const SLIDING = `
rules:
  - id: money
    action: block
    match: { agent: "*" }
    rateLimit: { metric: estimated_cost_usd, limit: 1.2, window: 2s }
  - id: loop
    action: block
    match: { tool: "*" }
    rateLimit: { limit: 40, window: 1s }
`;

interface Line {
  request: AuthorizeRequest;
  decision: AuthorizeResponse__Output;
}

/** A trace like the real one, for where that is not: seeded, bursts and pauses. */
function syntheticTrace(rows: number): string {
  let seed = 20_231_116;
  const random = () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed / 2_147_483_648;
  };
  let ms = Date.parse('2023-11-16T18:17:03Z');
  const lines = ['TIMESTAMP,ContextTokens,GeneratedTokens'];
  for (let n = 0; n < rows; n += 1) {
    ms += Math.floor(random() < 0.05 ? random() * 8_000 : random() * 200);
    const time = new Date(ms).toISOString().replace('T', ' ').replace('Z', '0000');
    lines.push(`${time},${Math.floor(random() * 7_000)},${Math.floor(random() * 200)}`);
  }
  return `${lines.join('\n')}\n`;
}

const MAP = 'timestamp=TIMESTAMP,tokensIn=ContextTokens,tokensOut=GeneratedTokens';

describe('replay', { skip: NO_REDIS }, () => {
  const folder = scratchFolder();
  let redis: RedisProcess;
  /** Under SLIDING; what costs little and is asked seldom passes there. */
  let sliding: SidecarProcess;
  before(async () => {
    redis = await startRedis();
    sliding = await spawnSidecar({
      REDIS_URL: redis.url,
      TOLLGATE_POLICY: writeScratch(folder, SLIDING),
    });
  });
  after(async () => {
    await sliding.stop();
    await redis.stop();
  });

  let n = 0;
  async function run(
    sidecar: SidecarProcess,
    args: string[],
  ): Promise<{ run: Run; lines: Line[] }> {
    n += 1;
    const out = join(folder, `out-${n}.ndjson`);
    const result = await tollgate(['replay', ...args, '--out', out, '--address', sidecar.address]);
    const lines = readFileSync(out, 'utf8').trimEnd().split('\n');
    return { run: result, lines: lines.map((line) => JSON.parse(line) as Line) };
  }

  /**
   * A plain limiter, fed with each call at its decided_at, in that order: it must admit whatever was
   * admitted, and each denial must be explained by the slice that a window may be early by.
   */
  function checkAgainstReference(lines: Line[]): void {
    const truth = new Map<string, Reference>();
    const inOrder = lines.toSorted((a, b) => a.decision.decided_at_us - b.decision.decided_at_us);
    for (const { decision } of inOrder) {
      assert.equal(decision.degraded, false);
      let explained = decision.verdict === 'VERDICT_ALLOW';
      for (const rule of decision.rules) {
        const key = `${rule.rule_id} ${rule.partition}`;
        const reference = truth.get(key) ?? new Reference();
        truth.set(key, reference);
        const money = rule.metric === 'METRIC_ESTIMATED_COST_USD';
        const unit = money ? 1e9 : 1;
        const amount = money ? Math.round((decision.amounts?.cost_usd ?? 0) * unit) : 1;
        const limit = Math.round((rule.limit ?? 0) * unit);
        const windowUs = (rule.window_seconds ?? 0) * 1e6;
        if (decision.verdict === 'VERDICT_ALLOW') {
          assert.ok(
            reference.used(decision.decided_at_us, windowUs) + amount <= limit,
            `${key} over its limit`,
          );
          reference.admit(decision.decided_at_us, amount);
        } else if (rule.denied) {
          const early = windowUs + sliceUs(windowUs) + 60;
          if (reference.used(decision.decided_at_us, early) + amount > limit) explained = true;
        }
      }
      assert.ok(explained, `the denial at ${decision.decided_at_us} is not explained`);
    }
  }

  test('real traffic under sliding rules: the reference agrees with every decision', async () => {
    const file = existsSync(TRACE) ? TRACE : writeScratch(folder, syntheticTrace(4_000));
    const { run: result, lines } = await run(sliding, [
      file,
      '--max-calls',
      '4000',
      '--map',
      MAP,
      '--agent',
      'coder-{n}',
      '--spread',
      '7',
      '--tool',
      'completion',
      '--model',
      'gpt-4o',
      '--cost',
      '0.0193',
    ]);
    assert.equal(result.code, 0, result.err + result.out);
    assert.equal(lines.length, 4_000);
    checkAgainstReference(lines);
    const verdicts = new Set(
      lines.map(({ decision }) => decision.rules.find((r) => r.denied)?.rule_id),
    );
    assert.deepEqual(
      [...verdicts].map(String).sort(),
      ['loop', 'money', 'undefined'],
      'all three happened',
    );
  });

  test("the article's record, as NDJSON on standard input, and lines that are none", async () => {
    const record = JSON.stringify(JSON.parse(readFileSync(ARTICLE_RECORD, 'utf8')));
    const good = await tollgate(
      ['replay', '-', '--address', sliding.address],
      {},
      `${record}\n\n${record}\n`,
    );
    assert.equal(good.code, 0);
    assert.match(good.out, /^allowed +2 +\$0\.0086 +2480 +178$/m);
    const bad = await tollgate(
      ['replay', '-', '--address', sliding.address],
      {},
      `${record}\nnonsense\n{"agentId":"a","tokensIn":"x"}\n{"tokensIn":5}\n`,
    );
    assert.equal(bad.code, 1);
    assert.match(bad.out, /3 without a decision:/);
    assert.match(bad.out, /1 x record 2: is not a JSON object/);
    assert.match(bad.out, /1 x record 3: tokensIn: "x" is no number/);
    assert.match(bad.out, /1 x 3 INVALID_ARGUMENT: agent_id: is required/);
  });

  test('--speed keeps the distances of the timestamps', async () => {
    const at = (ms: number) =>
      JSON.stringify({ agentId: 'a', timestamp: new Date(1.7e12 + ms).toISOString() });
    const file = writeScratch(folder, `${[0, 2_000, 6_000].map(at).join('\n')}\n`);
    const { lines } = await run(sliding, [file, '--speed', '5']);
    const times = lines.map(({ decision }) => decision.decided_at_us);
    // 800 ms, if the machine is idle; without --speed, one or two.
    assert.ok((times[2] ?? 0) - (times[1] ?? 0) >= 400_000);
    const wrong = await tollgate(['replay', file, '--speed', '0']);
    assert.equal(wrong.code, 2);
    const map = await tollgate(['replay', file, '--map', 'tokens=x']);
    assert.match(map.err, /--map "tokens=x" must be FIELD=COLUMN, with a field of callId/);
    const absent = await tollgate(['replay', '/does/not/exist']);
    assert.equal(absent.code, 2);
    assert.match(absent.err, /there is no file \/does\/not\/exist/);
  });

  test("real traffic under the article's rules: the reference agrees, and the table adds up", async (t) => {
    const real = existsSync(TRACE);
    const file = real ? TRACE : writeScratch(folder, syntheticTrace(4_000));
    // One that runs on would tell the ledger of its denials after the flush.
    await sliding.stop();
    await redis.client.flushall();
    const sidecar = await spawnSidecar({ REDIS_URL: redis.url });
    t.after(() => sidecar.stop());
    const { run: result, lines } = await run(sidecar, [
      file,
      '--map',
      MAP,
      '--agent',
      'coder-{n}',
      '--spread',
      '40',
      '--tool',
      'completion',
      '--model',
      'gpt-4o',
      '--cost',
      '1.25',
    ]);
    assert.equal(result.code, 0);
    checkAgainstReference(lines);
    const allowed = lines.filter(({ decision }) => decision.verdict === 'VERDICT_ALLOW').length;
    // $50 a day is 40 calls of $1.25 for each of 40 agents.
    assert.equal(allowed, 1_600);
    assert.match(result.out, /^allowed +1600 +\$2,000\.00 /m);
    assert.match(result.out, /^denied by token-budget-daily +\d+ /m);
    assert.match(result.out, new RegExp(`^all +${lines.length} `, 'm'));
    if (real) assert.match(result.out, /^all .* 18059974 +245896$/m);
    assert.match(result.out, /\d+ decisions a second, p50 \d+\.\d ms, p99 \d+\.\d ms/);
    assert.equal(
      await sidecar.metric('tollgate_decisions_total', '{verdict="allow",rule="none"}'),
      1_600,
    );
    // A stop tells the ledger of the last denials.
    await sidecar.stop();
    await checkLedger(lines);
  });

  /** What was decided is what a plain script makes of the export, and what report says. */
  async function checkLedger(lines: Line[]): Promise<void> {
    const told = { costNano: 0n, tokensIn: 0n, tokensOut: 0n, calls: 0, denied: 0 };
    for (const { decision } of lines) {
      if (decision.verdict !== 'VERDICT_ALLOW') {
        told.denied += 1;
        continue;
      }
      told.costNano += BigInt(Math.round((decision.amounts?.cost_usd ?? 0) * 1e9));
      told.tokensIn += BigInt(decision.amounts?.tokens_in ?? 0);
      told.tokensOut += BigInt(decision.amounts?.tokens_out ?? 0);
      told.calls += 1;
    }
    const env = { REDIS_URL: redis.url };
    const exported = await tollgate(['export'], env);
    const summed = { costNano: 0n, tokensIn: 0n, tokensOut: 0n, calls: 0, denied: 0 };
    for (const line of exported.out.trimEnd().split('\n')) {
      const entry = JSON.parse(line);
      if (entry.kind === 'denied') summed.denied += entry.deniedCalls;
      summed.costNano += BigInt(entry.spendNano ?? 0);
      summed.tokensIn += BigInt(entry.spendTokensIn ?? 0);
      summed.tokensOut += BigInt(entry.spendTokensOut ?? 0);
      summed.calls += entry.calls ?? 0;
    }
    assert.deepEqual(summed, told);
    const { total } = JSON.parse((await tollgate(['report', '--last', '2d', '--json'], env)).out);
    assert.deepEqual(
      {
        costNano: BigInt(Math.round(Number(total.costUsd) * 1e9)),
        tokensIn: BigInt(total.tokensIn),
        tokensOut: BigInt(total.tokensOut),
        calls: total.calls,
        denied: total.denied,
      },
      told,
    );
  }
});
