import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Channel } from '../../src/client/channel.js';
import type { Sidecar } from '../../src/sidecar.js';
import { scratchFolder, writeScratch } from '../support/scratch.js';
import { readMetric, scrapedTwice, sidecarHere } from '../support/sidecar.js';
import { type SimulatedRedis, startSimulated } from '../support/simulated.js';

const START_US = 1_790_000_000_000_000;
const SECOND = 1_000_000;
const TIMEOUT_MS = 5_000;
const CAP_RAISED = '{agent="a",team="",rule="cap",threshold="1"}';

/** What the rules of a policy do to calls, through the whole sidecar, on the embedded engine. */
describe('rules', () => {
  const folder = scratchFolder();
  let redis: SimulatedRedis;
  let running: { sidecar: Sidecar; channel: Channel; stop(): Promise<void> } | undefined;
  before(async () => {
    redis = await startSimulated('embedded');
  });
  beforeEach(async () => {
    await running?.stop();
    running = undefined;
    await redis.setClock(START_US);
    await redis.flush();
  });
  after(async () => {
    await running?.stop();
    await redis.close();
  });

  async function start(policy: string): Promise<Channel> {
    running = await sidecarHere(redis.address, writeScratch(folder, policy), redis.scripts);
    return running.channel;
  }
  async function metric(name: string, labels = ''): Promise<number> {
    return running ? readMetric(await scrapedTwice(running.sidecar.metrics), name, labels) : 0;
  }

  test('all matching rules apply; the first of the file that denies is named, the latest retry counts', async () => {
    const channel = await start(`
rules:
  - { id: short, action: block, rateLimit: { limit: 2, window: 10 } }
  - { id: long, action: block, rateLimit: { metric: tokens_in, limit: 100, window: 60 } }
`);
    const call = { agent_id: 'a', tokens_in: 50 };
    await channel.authorize(call, TIMEOUT_MS);
    await channel.authorize(call, TIMEOUT_MS);
    const denied = await channel.authorize(call, TIMEOUT_MS);
    assert.deepEqual(
      denied.rules.map((r) => [r.rule_id, r.denied]),
      [
        ['short', true],
        ['long', true],
      ],
    );
    assert.match(
      denied.reason,
      /^short: agent=a has used 2 of 2 calls in 10 s, .*try again in 61 s$/,
    );
    assert.equal(denied.retry_after_ms, denied.rules[1]?.retry_after_ms);
    assert.equal(await metric('tollgate_decisions_total', '{verdict="deny",rule="short"}'), 1);
  });

  test('tokens: in, out, both; the most that may come out counts as out', async () => {
    const channel = await start(`
rules:
  - { id: in, action: block, rateLimit: { metric: tokens_in, limit: 1000, window: 60 } }
  - { id: out, action: block, rateLimit: { metric: tokens_out, limit: 1000, window: 60 } }
  - { id: both, action: block, rateLimit: { metric: tokens, limit: 1200, window: 60 } }
`);
    const first = await channel.authorize(
      { agent_id: 'a', tokens_in: 300, max_tokens_out: 500 },
      TIMEOUT_MS,
    );
    assert.deepEqual(
      first.rules.map((r) => r.used),
      [300, 500, 800],
    );
    const known = await channel.authorize(
      { agent_id: 'b', tokens_in: 300, tokens_out: 89, max_tokens_out: 500 },
      TIMEOUT_MS,
    );
    assert.deepEqual(
      known.rules.map((r) => r.used),
      [300, 89, 389],
    );
    const denied = await channel.authorize(
      { agent_id: 'a', tokens_in: 100, max_tokens_out: 400 },
      TIMEOUT_MS,
    );
    assert.equal(denied.verdict, 'VERDICT_DENY');
    assert.equal(denied.affordable_tokens_out, 300, '1200 - 800 - 100 in');
    const fits = await channel.authorize(
      { agent_id: 'a', tokens_in: 100, max_tokens_out: 300 },
      TIMEOUT_MS,
    );
    assert.equal(fits.verdict, 'VERDICT_ALLOW');
  });

  test('block without a limit denies outright; require denies calls without the field', async () => {
    const channel = await start(`
rules:
  - { id: no-shell, action: block, match: { tool: shell } }
  - { id: owned, action: block, match: { model: "*" }, require: [team], rateLimit: { limit: 5, window: 60 } }
`);
    const shell = await channel.authorize({ agent_id: 'a', tool: 'shell' }, TIMEOUT_MS);
    assert.equal(shell.verdict, 'VERDICT_DENY');
    assert.equal(shell.never_fits, true);
    assert.equal(shell.reason, 'no-shell denies calls of agent=a: it blocks every such call');
    const unowned = await channel.authorize({ agent_id: 'a', model: 'm' }, TIMEOUT_MS);
    assert.equal(unowned.reason, 'owned denies calls of agent=a: it requires team');
    const owned = await channel.authorize({ agent_id: 'a', model: 'm', team_id: 't' }, TIMEOUT_MS);
    assert.equal(owned.verdict, 'VERDICT_ALLOW');
  });

  test('unmatched: allow is counted and said, deny denies', async () => {
    const rules =
      'rules: [{ id: r, action: block, match: { tool: x }, rateLimit: { limit: 1, window: 1 } }]';
    let channel = await start(rules);
    const allowed = await channel.authorize({ agent_id: 'a' }, TIMEOUT_MS);
    assert.deepEqual([allowed.verdict, allowed.unmatched], ['VERDICT_ALLOW', true]);
    assert.equal(await metric('tollgate_unmatched_calls_total'), 1);
    await running?.stop();
    channel = await start(`unmatched: deny\n${rules}`);
    const denied = await channel.authorize({ agent_id: 'a' }, TIMEOUT_MS);
    assert.deepEqual([denied.verdict, denied.unmatched], ['VERDICT_DENY', true]);
    assert.match(denied.reason, /no rule of the policy matches/);
  });

  test('mode shadow decides and counts, and never denies', async () => {
    const channel = await start(`
mode: shadow
unmatched: deny
rules:
  - { id: two, action: block, match: { tool: t }, rateLimit: { limit: 2, window: 60 } }
  - { id: never, action: block, match: { tool: t, model: bad } }
`);
    for (let n = 0; n < 5; n += 1) {
      const decision = await channel.authorize(
        { agent_id: 'a', tool: 't', model: 'bad' },
        TIMEOUT_MS,
      );
      assert.equal(decision.verdict, 'VERDICT_ALLOW');
      assert.deepEqual(
        decision.rules.map((r) => [r.action, r.used, r.shadow_denied]),
        [
          ['ACTION_SHADOW', Math.min(n + 1, 2), n >= 2],
          ['ACTION_SHADOW', undefined, true],
        ],
      );
    }
    assert.equal((await channel.authorize({ agent_id: 'a' }, TIMEOUT_MS)).verdict, 'VERDICT_ALLOW');
    assert.equal(
      await metric('tollgate_shadow_denials_total', '{agent="a",team="",rule="two"}'),
      3,
    );
    assert.equal(
      await metric('tollgate_shadow_denials_total', '{agent="a",team="",rule="never"}'),
      5,
    );
  });

  test('alert allows, charges over its limit, and raises once', async () => {
    const channel = await start(`
rules:
  - { id: watch, action: alert, alertAt: [0.5, 1.0], rateLimit: { metric: estimated_cost_usd, limit: 10, window: 60 } }
`);
    const raised = [];
    for (let n = 0; n < 6; n += 1) {
      const { verdict, rules } = await channel.authorize(
        { agent_id: 'a', estimated_cost: 3 },
        TIMEOUT_MS,
      );
      raised.push([verdict, rules[0]?.used, rules[0]?.raised, rules[0]?.near_limit]);
    }
    assert.deepEqual(raised, [
      ['VERDICT_ALLOW', 3, [], false],
      ['VERDICT_ALLOW', 6, [0.5], true],
      ['VERDICT_ALLOW', 9, [], true],
      ['VERDICT_ALLOW', 12, [1], true],
      ['VERDICT_ALLOW', 15, [], true],
      ['VERDICT_ALLOW', 18, [], true],
    ]);
  });

  test('a denial raises the whole limit once in a window, not with every denial', async () => {
    const channel = await start(`
rules:
  - { id: cap, action: block, alertAt: [1.0], rateLimit: { metric: estimated_cost_usd, limit: 10, window: 60 } }
`);
    const spend = () => channel.authorize({ agent_id: 'a', estimated_cost: 6 }, TIMEOUT_MS);
    await spend();
    for (let n = 0; n < 20; n += 1) assert.equal((await spend()).verdict, 'VERDICT_DENY');
    assert.equal(await metric('tollgate_thresholds_raised_total', CAP_RAISED), 1);
    await redis.setClock(START_US + 70 * SECOND);
    await spend();
    await spend();
    assert.equal(await metric('tollgate_thresholds_raised_total', CAP_RAISED), 2);
  });

  test('a cost that nobody gave is unknown: it is said and counted, and not taken for free silently', async () => {
    const channel = await start(
      'rules: [{ id: cap, action: block, rateLimit: { metric: estimated_cost_usd, limit: 10, window: 60 } }]',
    );
    const unknown = await channel.authorize({ agent_id: 'a', tool: 't' }, TIMEOUT_MS);
    assert.equal(unknown.amounts?.cost_source, 'COST_SOURCE_NONE');
    const priced = await channel.authorize(
      { agent_id: 'a', model: 'gpt-4o', tokens_in: 1240, tokens_out: 89 },
      TIMEOUT_MS,
    );
    assert.equal(priced.amounts?.cost_source, 'COST_SOURCE_TABLE');
    assert.equal(priced.amounts?.cost_usd, 0.00399);
    const assumed = await channel.authorize(
      { agent_id: 'a', model: 'm', tokens_in: 1000, tokens_out: 100 },
      TIMEOUT_MS,
    );
    assert.equal(assumed.amounts?.cost_source, 'COST_SOURCE_ASSUMED');
    assert.equal(assumed.amounts?.cost_usd, 0.0225);
    const free = await channel.authorize(
      { agent_id: 'a', model: 'm', estimated_cost: 0 },
      TIMEOUT_MS,
    );
    assert.equal(free.amounts?.cost_source, 'COST_SOURCE_CALLER');
    const tiny = await channel.authorize(
      { agent_id: 'a', model: 'm', estimated_cost: 1e-12 },
      TIMEOUT_MS,
    );
    assert.equal(tiny.amounts?.cost_usd, 1e-9, 'a positive cost never becomes 0');
    assert.equal(await metric('tollgate_uncosted_calls_total'), 1);
  });

  test('the same call again and again is caught by its fingerprint', async () => {
    const channel = await start(`
rules:
  - { id: same, action: block, match: { tool: "*" }, per: [agent, fingerprint], rateLimit: { limit: 3, window: 60 } }
`);
    const verdicts = async (fingerprint: string) =>
      (await channel.authorize({ agent_id: 'a', tool: 't', fingerprint }, TIMEOUT_MS)).verdict;
    for (let n = 0; n < 3; n += 1) assert.equal(await verdicts('f1'), 'VERDICT_ALLOW');
    assert.equal(await verdicts('f1'), 'VERDICT_DENY');
    assert.equal(await verdicts('f2'), 'VERDICT_ALLOW');
  });
});
