import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Channel } from '../../src/client/channel.js';
import type { Entry } from '../../src/model/entry.js';
import { postingOf } from '../../src/model/spend.js';
import { parseRedisUrl } from '../../src/redis/address.js';
import type { Sidecar } from '../../src/sidecar.js';
import { ledgerKey } from '../../src/store/keys.js';
import type { AuthorizeRequest } from '../../src/wire/generated/tollgate/v1/AuthorizeRequest.js';
import type { SettleRequest } from '../../src/wire/generated/tollgate/v1/SettleRequest.js';
import { NO_REDIS, type RedisProcess, startRedis } from '../support/redis.js';
import { samplesNamed } from '../support/scraped.js';
import { scratchFolder, writeScratch } from '../support/scratch.js';
import { scrapedTwice, sidecarHere } from '../support/sidecar.js';
import { readEntries } from '../support/stream.js';
import { until } from '../support/until.js';

const TIMEOUT_MS = 10_000;

const POLICY = `
rules:
  - { id: calls, action: block, rateLimit: { limit: 100, window: 1h } }
  - { id: money, action: shadow, alertAt: [0.5], rateLimit: { metric: estimated_cost_usd, limit: 10, window: 1h } }
  - { id: strict, action: block, failureMode: deny, match: { agent: strict }, rateLimit: { limit: 9, window: 1h } }
  - { id: shell, action: block, match: { tool: shell } }
  - { id: loop, action: halt, haltFor: 1h, match: { agent: looper }, rateLimit: { limit: 1, window: 1h } }
`;

/** Whose and for what, in one text. */
type Sums = Record<string, number>;

/** What gates count of money and calls, held against the ledger. */
describe('spend by agent, team, cost centre, tool and model', { skip: NO_REDIS }, () => {
  const folder = scratchFolder();
  let redis: RedisProcess;
  let sidecar: Sidecar;
  let channel: Channel;
  let stop: () => Promise<void>;
  before(async () => {
    redis = await startRedis();
    const address = parseRedisUrl(redis.url, 'single');
    if (typeof address === 'string') throw new Error(address);
    ({ sidecar, channel, stop } = await sidecarHere(address, writeScratch(folder, POLICY)));
  });
  after(async () => {
    await stop();
    await redis.stop();
  });

  const who = { agent_id: 'a', team_id: 'red', cost_centre: 'c1' };
  const call = { ...who, tool: 'chat', model: 'gpt-4o', estimated_cost: 1, tokens_in: 10 };
  const authorize = (call_id: string, more: Partial<AuthorizeRequest> = {}) =>
    channel.authorize({ ...call, call_id, ...more }, TIMEOUT_MS);
  const settle = (call_id: string, more: Partial<SettleRequest> = {}) =>
    channel.settle({ agent_id: 'a', call_id, cost: 0.25, tokens_out: 5, ...more }, TIMEOUT_MS);

  async function counted(name: string): Promise<Sums> {
    const sums: Sums = {};
    for (const { labels, value } of samplesNamed(await scrapedTwice(sidecar.metrics), name)) {
      if (value > 0) sums[Object.values(labels).join('/')] = value;
    }
    return sums;
  }

  /** What the settlements of the ledger come to. */
  async function settled(amount: (entry: Entry) => [string, number][]): Promise<Sums> {
    const reply = await redis.client.xrange(ledgerKey('default'), '-', '+');
    const sums: Sums = {};
    for (const entry of readEntries(reply)) {
      const posting = entry.kind === 'settled' ? postingOf(entry) : undefined;
      if (!posting) continue;
      const { agent, team, costCentre, tool, model } = posting.attributes;
      for (const [type, by] of amount(entry)) {
        const key = [agent, team, costCentre, tool, model, ...(type ? [type] : [])].join('/');
        if (by > 0) sums[key] = (sums[key] ?? 0) + by;
      }
    }
    return sums;
  }
  const costNano = (entry: Entry): [string, number][] =>
    entry.kind === 'settled' ? [['', entry.settled.costNano]] : [];
  const tokens = (entry: Entry): [string, number][] =>
    entry.kind === 'settled'
      ? [
          ['in', entry.settled.tokensIn],
          ['out', entry.settled.tokensOut],
        ]
      : [];

  /** The gate's counters say what the ledger says, series by series. */
  async function agrees(): Promise<void> {
    const nano = await settled(costNano);
    const usd = Object.entries(nano).map(([key, sum]) => [key, sum / 1e9]);
    assert.deepEqual(await counted('tollgate_spend_usd_total'), Object.fromEntries(usd));
    assert.deepEqual(await counted('tollgate_tokens_total'), await settled(tokens));
  }

  test('however a call ends, it is counted once, under what it was authorized for', async () => {
    await authorize('plain');
    await authorize('plain');
    await settle('plain');
    await settle('plain', { cost: 7 });
    await authorize('other model');
    await settle('other model', { model: 'gpt-4o-mini' });
    await authorize('final', { final: true, estimated_cost: 2, tokens_out: 3 });
    await authorize('final', { final: true, estimated_cost: 2, tokens_out: 3 });
    await settle('final', { cost: 9 });
    await authorize('released');
    await channel.release({ agent_id: 'a', call_id: 'released' }, TIMEOUT_MS);
    await settle('released', { cost: 0.5 });
    await settle('unheld', { team_id: 'blue', model: 'm' });
    await settle('unheld', { team_id: 'blue', model: 'm' });
    await settle('unauthorized', { cost: 3, call: { ...call, tool: 'search' } });
    await settle('unauthorized', { cost: 3, call: { ...call, tool: 'search' } });
    await agrees();
    assert.deepEqual(await counted('tollgate_calls_total'), { 'a/red/c1/chat/gpt-4o': 4 });
    assert.equal((await counted('tollgate_spend_usd_total'))['a/red/c1/search/gpt-4o'], 3);
    assert.deepEqual(
      await counted('tollgate_overage_usd_total'),
      { 'a/red': 0.5 + 3, 'a/blue': 0.25 },
      'over nothing, where it was released or never held',
    );
  });

  test('settled and admitted while Redis is away: once, when Redis has been told', async () => {
    await authorize('before');
    redis.signal('SIGSTOP');
    // The money rule is in shadow and the others allow, so Redis is told afterwards.
    const meanwhile = await authorize('meanwhile', { final: true, estimated_cost: 4 });
    const repeat = await authorize('meanwhile', { final: true, estimated_cost: 4 });
    assert.deepEqual([meanwhile.verdict, meanwhile.degraded], ['VERDICT_ALLOW', true]);
    assert.equal(repeat.repeat, 1);
    const spentBefore = await counted('tollgate_spend_usd_total');
    const pending = await settle('before', { cost: 1.5, team_id: 'red', cost_centre: 'c1' });
    assert.equal(pending.pending, true);
    assert.deepEqual(await counted('tollgate_spend_usd_total'), spentBefore, 'not yet');
    redis.signal('SIGCONT');
    await until('Redis to be told', async () => {
      const [waiting] = samplesNamed(
        await sidecar.metrics.registry.metrics(),
        'tollgate_journal_entries',
      );
      return waiting?.value === 0;
    });
    const spent = await counted('tollgate_spend_usd_total');
    const sum = (sums: Sums) => Object.values(sums).reduce((total, value) => total + value, 0);
    assert.equal(sum(spent) - sum(spentBefore), 5.5);
    const told = Object.values(await settled(costNano));
    assert.equal(sum(spent), told.reduce((total, nano) => total + nano, 0) / 1e9);
  });

  test('a denial without Redis is none of the rule: nobody was over its limit', async () => {
    const ask = (more: Partial<AuthorizeRequest> = {}) =>
      channel.authorize(
        { agent_id: 'strict', team_id: 't', estimated_cost: 0, ...more },
        TIMEOUT_MS,
      );
    redis.signal('SIGSTOP');
    const [denied, outright] = [await ask(), await ask({ tool: 'shell' })];
    redis.signal('SIGCONT');
    assert.deepEqual([denied.verdict, denied.degraded], ['VERDICT_DENY', true]);
    assert.deepEqual([outright.verdict, outright.degraded], ['VERDICT_DENY', true]);
    const own = ([key]: [string, number]) => key.startsWith('strict/');
    assert.deepEqual(
      Object.fromEntries(Object.entries(await counted('tollgate_denials_total')).filter(own)),
      { 'strict/t/degraded': 1, 'strict/t/shell': 1 },
    );
    const decisions = await counted('tollgate_decisions_total');
    assert.deepEqual([decisions['deny/degraded'], decisions['deny/strict']], [1, undefined]);
    const told = async () =>
      readEntries(await redis.client.xrange(ledgerKey('default'), '-', '+')).flatMap((entry) =>
        entry.kind === 'denied' && entry.facts.agent === 'strict' ? [entry] : [],
      );
    await until('the ledger to be told', async () => (await told()).length === 2);
    assert.deepEqual(
      (await told()).map(({ rule, partition, metric }) => [rule, partition, metric]),
      [
        ['degraded', '', undefined],
        ['shell', 'agent=strict', undefined],
      ],
    );
  });

  test('denials, shadow denials, halts and thresholds say whose they are', async () => {
    const of = (agent_id: string, more: Partial<AuthorizeRequest> = {}) =>
      channel.authorize({ agent_id, team_id: 't', estimated_cost: 0, ...more }, TIMEOUT_MS);
    await of('sh', { tool: 'shell' });
    await of('sh', { tool: 'shell' });
    for (let n = 0; n < 4; n += 1) await of('looper');
    await of('dear', { estimated_cost: 6 });
    await of('dear', { estimated_cost: 6 });
    const own = async (name: string) =>
      Object.fromEntries(
        Object.entries(await counted(name)).filter(([key]) => !/^(a|strict)\//.test(key)),
      );
    assert.deepEqual(await own('tollgate_denials_total'), {
      'sh/t/shell': 2,
      'looper/t/loop': 1,
      'looper/t/halt': 2,
    });
    assert.deepEqual(await own('tollgate_halts_total'), { 'looper/t/loop': 1 });
    assert.deepEqual(await own('tollgate_shadow_denials_total'), { 'dear/t/money': 1 });
    assert.deepEqual(await own('tollgate_thresholds_raised_total'), { 'dear/t/money/0.5': 1 });
  });

  test('a price that is assumed is counted by model, a repeat not', async () => {
    const call_id = 'unknown model';
    const asked = { agent_id: 'm', call_id, model: 'nobody-knows', tokens_in: 5 };
    await channel.authorize(asked, TIMEOUT_MS);
    await channel.authorize(asked, TIMEOUT_MS);
    assert.deepEqual(await counted('tollgate_assumed_price_calls_total'), { 'm//nobody-knows': 1 });
  });
});
