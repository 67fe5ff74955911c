import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Amounts } from '../../src/model/amounts.js';
import { type Entry, type Facts, NOT_SET_OFF } from '../../src/model/entry.js';
import { formatLine } from '../../src/model/ledger-line.js';
import { parsePolicy } from '../../src/policy/parse.js';
import type { Policy } from '../../src/policy/policy.js';
import { type SimulatedRedis, startSimulatedRedis } from '../../src/redis/simulated.js';
import { pastEvents } from '../../src/simulate/events.js';
import type { Outcome } from '../../src/simulate/outcome.js';
import { createSimulation } from '../../src/simulate/simulate.js';
import { NO_WINDOW } from '../support/ledger.js';
import { tollgate } from '../support/run.js';
import { scratchFolder, writeScratch } from '../support/scratch.js';
import { seeded } from '../support/seed.js';
import { type PlainCall, PlainLimiter, type PlainRule } from './plain.js';

const SECOND = 1_000_000;
const DAY = 86_400 * SECOND;
const START_US = Date.UTC(2026, 2, 2, 21) * 1000;
const CENT = 10_000_000;

const FACTS: Facts = {
  callId: '',
  agent: 'a',
  team: '',
  costCentre: '',
  instance: '',
  tool: 'search',
  model: '',
  provider: '',
  operation: '',
  run: '',
  parentCallId: '',
  rootAgent: 'a',
  depth: 0,
  fingerprint: '',
  timestampMs: undefined,
  labels: {},
};

function given(costNano: number): Amounts {
  return { costNano, costSource: 'caller', tokensIn: 0, tokensOut: 0 };
}

function policyOf(text: string): Policy {
  const policy = parsePolicy(text);
  if ('errors' in policy) assert.fail(JSON.stringify(policy.errors));
  return policy;
}

/** The rules of both, plainly and as a policy file. */
function rulesOf(loop: number, hourCents: number, dayCents: number) {
  const text = `
rules:
  - id: loop
    action: block
    match: { tool: "*" }
    rateLimit: { limit: ${loop}, window: 60 }
  - id: hour
    action: block
    match: { agent: "*" }
    rateLimit: { metric: estimated_cost_usd, limit: ${hourCents / 100}, window: 1h }
  - id: day
    action: block
    match: { team: "*" }
    rateLimit: { metric: estimated_cost_usd, limit: ${dayCents / 100}, window: { calendar: day } }
`;
  const byAgent = ({ agent }: PlainCall) => agent;
  const plain: PlainRule[] = [
    { id: 'loop', metric: 'calls', limit: loop, sliceUs: SECOND, kept: 60, partitionOf: byAgent },
    {
      id: 'hour',
      metric: 'cost',
      limit: hourCents * CENT,
      sliceUs: 60 * SECOND,
      kept: 60,
      partitionOf: byAgent,
    },
    {
      id: 'day',
      metric: 'cost',
      limit: dayCents * CENT,
      sliceUs: DAY,
      kept: 0,
      partitionOf: ({ team }) => team,
    },
  ];
  return { text, plain };
}

/** Six hours over midnight of five agents: each has its price, and now and then a burst. */
function traffic(seed: number, calls: number): PlainCall[] {
  const random = seeded(seed);
  const agents = [1, 2, 3, 4, 5].map((n) => ({
    agent: `agent-${n}`,
    team: n < 3 ? 'red' : 'blue',
    nano: (1 + random.below(12)) * CENT + random.below(1000),
    atUs: START_US + random.below(600) * SECOND,
  }));
  const made: PlainCall[] = [];
  for (let n = 0; n < calls; n += 1) {
    const one = random.pick(agents);
    one.atUs += random.onceIn(12)
      ? random.below(1_200 * SECOND)
      : 1 + random.below(random.onceIn(2) ? 4 * SECOND : 300_000);
    const settle = {
      atUs: one.atUs + 1_000_000 + random.below(random.onceIn(10) ? 1_800 * SECOND : 9 * SECOND),
      nano: Math.floor((one.nano * random.below(140)) / 100),
    };
    made.push({
      id: `call-${n}`,
      agent: one.agent,
      team: one.team,
      atUs: one.atUs,
      heldNano: one.nano,
      settle: random.onceIn(15) ? undefined : settle,
    });
  }
  // One thing at a time, so that order is no matter of chance.
  return made.sort((a, b) => a.atUs - b.atUs).filter((call, i) => call.atUs !== made[i - 1]?.atUs);
}

interface Tally {
  allowed: number;
  denied: number;
  nano: number;
}

/** What the plain limiter makes of the traffic, and the ledger that gates would write of it. */
function decidePlainly(calls: readonly PlainCall[], rules: readonly PlainRule[]) {
  const limiter = new PlainLimiter(rules);
  const agents = new Map<string, Tally>();
  const byRule = new Map<string, number>();
  const entries: Entry[] = [];
  type Step = { atUs: number; call: PlainCall; settles: boolean };
  const steps: Step[] = calls.flatMap((call) => [
    { atUs: call.atUs, call, settles: false },
    ...(call.settle
      ? [{ atUs: Math.floor(call.settle.atUs / 1000) * 1000, call, settles: true }]
      : []),
  ]);
  // A settlement's microsecond is not in the ledger, so it is a whole millisecond here.
  steps.sort((a, b) => a.atUs - b.atUs || Number(b.settles) - Number(a.settles));
  const admitted = new Set<string>();
  const runs = new Map<string, { rule: string; calls: PlainCall[] }>();
  let seq = 0;
  const head = (us: number) => {
    const atMs = Math.floor(us / 1000);
    seq += 1;
    return { id: `${atMs}-${seq}`, atMs };
  };
  const factsOf = ({ id: callId, agent, team }: PlainCall): Facts => ({
    ...FACTS,
    callId,
    agent,
    rootAgent: agent,
    team,
  });
  /** Denials one after another are one entry, within the second after the last. */
  const flush = (agent: string, nowUs: number) => {
    const run = runs.get(agent);
    const [first] = run?.calls ?? [];
    const last = run?.calls.at(-1);
    if (!run || !first || !last) return;
    runs.delete(agent);
    entries.push({
      ...head(Math.min(nowUs, last.atUs + SECOND)),
      kind: 'denied',
      rule: run.rule,
      partition: agent,
      facts: { ...factsOf(first), callId: '' },
      calls: run.calls.length,
      ...NO_WINDOW,
      asked: given(run.calls.reduce((sum, { heldNano }) => sum + heldNano, 0)),
      firstUs: first.atUs,
      lastUs: last.atUs,
    });
  };
  for (const { atUs, call, settles } of steps) {
    const tally = agents.get(call.agent) ?? { allowed: 0, denied: 0, nano: 0 };
    agents.set(call.agent, tally);
    for (const [agent, run] of runs) {
      if (atUs > (run.calls.at(-1)?.atUs ?? 0) + SECOND) flush(agent, atUs);
    }
    if (settles && call.settle) {
      if (!admitted.has(call.id)) continue;
      flush(call.agent, atUs);
      limiter.settle(call, atUs, call.settle.nano);
      tally.nano += call.settle.nano;
      entries.push({
        ...head(atUs),
        kind: 'settled',
        facts: factsOf(call),
        state: 'settled',
        final: false,
        late: false,
        returned: false,
        ranOut: false,
        outcome: 'ok',
        held: given(call.heldNano),
        settled: given(call.settle.nano),
      });
      continue;
    }
    const rule = limiter.ask(call);
    if (rule === undefined) {
      flush(call.agent, atUs);
      admitted.add(call.id);
      tally.allowed += 1;
      entries.push({
        ...head(atUs),
        kind: 'authorized',
        facts: factsOf(call),
        held: given(call.heldNano),
        holdUntilUs: atUs + 900 * SECOND,
        forced: false,
      });
      continue;
    }
    tally.denied += 1;
    byRule.set(rule, (byRule.get(rule) ?? 0) + 1);
    const run = runs.get(call.agent);
    // What is spread evenly is exact for two; more would be, if agents kept time.
    if (run && (run.rule !== rule || run.calls.length === 2)) flush(call.agent, atUs);
    const open = runs.get(call.agent) ?? { rule, calls: [] };
    open.calls.push(call);
    runs.set(call.agent, open);
  }
  for (const agent of [...runs.keys()]) flush(agent, Number.POSITIVE_INFINITY);
  entries.sort((a, b) => a.atMs - b.atMs);
  return { entries, agents, byRule };
}

describe('past traffic under a policy', () => {
  let redis: SimulatedRedis;
  before(async () => {
    redis = await startSimulatedRedis();
  });
  after(() => redis.close());

  async function simulate(
    policy: Policy,
    entries: Entry[],
    countFromMs = Number.NEGATIVE_INFINITY,
  ): Promise<Outcome> {
    await redis.connection.command('FLUSHALL', '');
    const simulation = createSimulation(redis, policy);
    async function* batches() {
      for (let at = 0; at < entries.length; at += 100) yield entries.slice(at, at + 100);
    }
    for await (const event of pastEvents(batches())) {
      await simulation.take(event, event.entry.atMs >= countFromMs);
    }
    return simulation.outcome;
  }

  const random = seeded();
  const inForce = rulesOf(12, 120, 700);
  const calls = traffic(random.seed, 600);
  const history = decidePlainly(calls, inForce.plain);

  test(`the policy that was in force decides as it was decided (SEED=${random.seed})`, async () => {
    const outcome = await simulate(policyOf(inForce.text), history.entries);
    for (const [rule, denied] of history.byRule) {
      assert.ok(denied > 0);
      assert.deepEqual(
        [outcome.rules.get(rule)?.denied, outcome.rules.get(rule)?.wasDenied],
        [denied, denied],
        rule,
      );
    }
    assert.deepEqual([outcome.newlyDenied, outcome.newlyAllowed], [0, 0]);
    for (const [agent, { was, would }] of outcome.agents) assert.deepEqual(would, was, agent);
    for (const [agent, tally] of history.agents) {
      const { was } = outcome.agent(agent);
      assert.deepEqual([was.allowed, was.denied], [tally.allowed, tally.denied]);
      assert.equal(was.costNano, BigInt(tally.nano));
    }
  });

  test(`a stricter one decides as a plain limiter would (SEED=${random.seed})`, async () => {
    // Only what was allowed: a denied call asks once, and what it had used nobody knows.
    const allowed = new Set(
      history.entries.flatMap((e) => (e.kind === 'authorized' ? [e.facts.callId] : [])),
    );
    const entries = history.entries.filter(({ kind }) => kind !== 'denied');
    const stricter = rulesOf(7, 60, 300);
    const plain = decidePlainly(
      calls.filter(({ id }) => allowed.has(id)),
      stricter.plain,
    );
    const outcome = await simulate(policyOf(stricter.text), entries);
    assert.ok(outcome.newlyDenied > 0);
    for (const [agent, tally] of plain.agents) {
      const { would } = outcome.agent(agent);
      assert.deepEqual(
        [would.allowed, would.denied, would.costNano],
        [tally.allowed, tally.denied, BigInt(tally.nano)],
        agent,
      );
    }
    for (const [rule, denied] of plain.byRule)
      assert.equal(outcome.rules.get(rule)?.denied, denied);
  });

  const at = (us: number) => ({ id: `${Math.floor(us / 1000)}-0`, atMs: Math.floor(us / 1000) });
  const authorized = (
    us: number,
    callId: string,
    held: Amounts,
    facts: Partial<Facts> = {},
  ): Entry => ({
    ...at(us),
    kind: 'authorized',
    facts: { ...FACTS, ...facts, callId },
    held,
    holdUntilUs: us + 900 * SECOND,
    forced: false,
  });

  test('what people ordered holds under any policy; what rules halted does not', async () => {
    const policy = policyOf(rulesOf(2, 100, 100).text);
    const free = given(0);
    const entries: Entry[] = [
      {
        ...{
          ...at(START_US),
          kind: 'halted',
          agent: 'a',
          rule: 'old',
          by: '',
          why: 'x',
          untilUs: 0,
        },
        ...NOT_SET_OFF,
      },
      authorized(START_US + SECOND, '1', free),
      {
        ...at(START_US + 2 * SECOND),
        kind: 'halted',
        agent: 'a',
        rule: '',
        by: 'ana',
        why: 'x',
        untilUs: 0,
        ...NOT_SET_OFF,
      },
      authorized(START_US + 3 * SECOND, '2', free),
      { ...at(START_US + 4 * SECOND), kind: 'resumed', agent: 'a', by: 'ana' },
      authorized(START_US + 5 * SECOND, '3', free),
      authorized(START_US + 6 * SECOND, '4', free),
      {
        ...at(START_US + 7 * SECOND),
        kind: 'granted',
        agent: 'a',
        rule: 'loop',
        add: 1,
        by: 'ana',
        why: 'x',
        untilUs: START_US + 9 * SECOND,
      },
      authorized(START_US + 8 * SECOND, '5', free),
      authorized(START_US + 10 * SECOND, '6', free),
    ];
    const { newDenials, rules } = await simulate(policy, entries);
    assert.deepEqual(
      newDenials.map(({ atUs, rule }) => [(atUs - START_US) / SECOND, rule]),
      [
        [3, 'halt'],
        [6, 'loop'],
        [10, 'loop'],
      ],
    );
    assert.match(newDenials[0]?.reason ?? '', /^HALTED: a is halted .* by ana/);
    // The third call came by the grant, and is still in the window when that has ended.
    assert.deepEqual([rules.get('loop')?.peak?.used, rules.get('loop')?.peak?.limit], [3, 2]);
  });

  test('what was priced is priced by the policy; what the caller said stays', async () => {
    const price = (usd: number) =>
      policyOf(`
rules: [{ id: r, action: block, rateLimit: { metric: estimated_cost_usd, limit: 1, window: 1h } }]
prices:
  models: [{ model: m, inputUsdPerMillion: ${usd}, outputUsdPerMillion: ${usd} }]
`);
    const held: Amounts = {
      costNano: 2_000_000,
      costSource: 'policy',
      tokensIn: 1_000,
      tokensOut: 1_000,
    };
    // Half of the input came from a cache at a tenth: 0.0011 and not 0.002 for the same tokens.
    const used: Amounts = { ...held, costNano: 1_550_000 };
    const settled = (callId: string, settled: Amounts, facts: Partial<Facts>): Entry => ({
      ...at(START_US + SECOND),
      kind: 'settled',
      facts: { ...FACTS, ...facts, callId },
      state: 'settled',
      final: false,
      late: false,
      returned: false,
      ranOut: false,
      outcome: 'ok',
      held,
      settled,
    });
    const model = { model: 'm' };
    const entries = [
      authorized(START_US, '1', held, model),
      authorized(START_US, '2', given(5_000), model),
      settled('1', used, model),
      settled('2', given(7_000), model),
    ];
    const costs = [];
    for (const usd of [1, 2]) costs.push((await simulate(price(usd), entries)).all.would.costNano);
    assert.deepEqual(costs, [1_557_000n, 3_107_000n]);
  });

  test('what was given back, ran out or was taken back leaves the windows as it did', async () => {
    const policy = policyOf(rulesOf(3, 100, 1_000).text);
    const ended = (
      us: number,
      kind: 'ran_out' | 'released' | 'withdrawn',
      callId: string,
    ): Entry => ({
      ...at(us),
      kind,
      facts: { ...FACTS, callId },
      held: given(60 * CENT),
      ranOut: false,
      final: false,
    });
    const ask = (us: number, id: string) => authorized(us, id, given(60 * CENT));
    const T = START_US;
    const outcome = await simulate(policy, [
      ask(T, '1'),
      ended(T + SECOND, 'released', '1'),
      ask(T + 2 * SECOND, '2'),
      ended(T + 3 * SECOND, 'withdrawn', '2'),
      ask(T + 4 * SECOND, '3'),
      ended(T + 5 * SECOND, 'ran_out', '3'),
      ask(T + 6 * SECOND, '4'),
    ]);
    const { was, would } = outcome.all;
    assert.deepEqual([was.allowed, was.costNano], [3, BigInt(60 * CENT)]);
    assert.deepEqual([would.allowed, would.denied, would.costNano], [2, 1, BigInt(60 * CENT)]);
    assert.deepEqual(
      [...outcome.rules].map(([id, { denied }]) => [id, denied]),
      [
        ['loop', 0],
        ['hour', 1],
        ['day', 0],
      ],
    );
  });

  test('what failure modes denied is no denial of a rule', async () => {
    const policy = policyOf(rulesOf(3, 100, 1_000).text);
    const denied: Entry = {
      ...{ ...at(START_US + SECOND), kind: 'denied', rule: 'degraded', partition: '' },
      ...{ facts: { ...FACTS, callId: '' }, calls: 2, asked: given(CENT), ...NO_WINDOW },
      ...{ firstUs: START_US, lastUs: START_US + SECOND },
    };
    const outcome = await simulate(policy, [denied]);
    assert.deepEqual(
      [outcome.all.was.denied, outcome.withoutRedis, outcome.newlyAllowed],
      [2, 2, 2],
    );
    assert.deepEqual(
      [...outcome.rules].map(([id, { wasDenied }]) => [id, wasDenied]),
      [
        ['loop', 0],
        ['hour', 0],
        ['day', 0],
      ],
    );
  });

  test('traffic from before the period fills the windows and is not counted', async () => {
    const policy = policyOf(rulesOf(2, 100, 100).text);
    const entries = [0, 1, 2].map((n) => authorized(START_US + n * SECOND, `${n}`, given(0)));
    const outcome = await simulate(policy, entries, START_US / 1000 + 2_000);
    assert.deepEqual([outcome.all.was.allowed, outcome.all.would.denied], [1, 1]);
  });

  test('the command says it to people and to programs', async () => {
    const folder = scratchFolder();
    // Enough of them, since it is read twice.
    const some = calls.slice(0, 250);
    const { entries } = decidePlainly(some, inForce.plain);
    const file = writeScratch(
      folder,
      `${entries.map((entry) => formatLine(entry)).join('\n')}\nnonsense\n`,
    );
    const policy = writeScratch(folder, rulesOf(7, 60, 300).text);
    const [people, program] = await Promise.all([
      tollgate(['simulate', policy, '--file', file]),
      tollgate(['simulate', policy, '--file', file, '--json']),
    ]);
    assert.equal(people.code, 1, people.err);
    assert.match(people.out, /calls that were allowed would be denied/);
    assert.match(people.out, /^loop +\d+ +\d+/m);
    assert.match(people.out, new RegExp(`line ${entries.length + 1}: is not JSON`));
    const answer = JSON.parse(program.out);
    assert.equal(answer.was.allowed + answer.was.denied, some.length);
    assert.equal(answer.would.allowed + answer.would.denied, some.length);
    assert.ok(answer.newlyDenied > 0 && Number(answer.would.costUsd) < Number(answer.was.costUsd));
  });
});
