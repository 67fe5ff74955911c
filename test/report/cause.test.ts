import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { historyOf } from '../../src/demo/history.js';
import type { PlannedEvent } from '../../src/demo/plan.js';
import { causeOf, type Side } from '../../src/report/cause.js';
import { planOf } from '../support/plan.js';
import { testSeed } from '../support/seeded.js';
import { plainSide, sideOf } from '../support/sides.js';

const DAYS_BEFORE = 14;
const DAYS_AFTER = 3;

/** Agents of the demo: with flat tools, without, and with a sub-agent's share of the calls. */
const AGENTS = ['customer-support-v2', 'lead-researcher', 'test-writer', 'code-reviewer'] as const;

const PLANTED: Readonly<Record<string, (agent: string, fromMs: number) => PlannedEvent>> = {
  volume: (agent, fromMs) => ({
    kind: 'promotion',
    agent,
    fromMs,
    toMs: fromMs + 30 * 86_400_000,
    times: 4,
    note: '',
    by: '',
  }),
  price: (agent, fromMs) => ({
    kind: 'switch',
    agent,
    fromMs,
    // Of all models that the demo knows, no agent has this one, and it is dearer than each.
    model: 'gpt-5.2-pro',
    provider: 'openai',
    share: 0.9,
  }),
  tokens: (agent, fromMs) => ({ kind: 'prompts', agent, fromMs, times: 3 }),
};

test('the cause that is named is the one that was planted', (t) => {
  const seed = testSeed();
  const details = new Map<string, string>();
  let histories = 0;
  for (let i = 0; i < 2 * AGENTS.length; i += 1) {
    const agent = AGENTS[i % AGENTS.length] ?? '';
    for (const [planted, eventOf] of Object.entries(PLANTED)) {
      const steady = { rhythm: 'customers', callsPerDay: 80 } as const;
      const plan = planOf(
        agent,
        DAYS_BEFORE + DAYS_AFTER,
        (dayStart) => [eventOf(agent, dayStart(DAYS_BEFORE))],
        steady,
      );
      const event = plan.events[0];
      assert.ok(event && 'fromMs' in event);
      const entries = [...historyOf(seed + i, plan)];
      const before = entries.filter(({ atMs }) => atMs < event.fromMs);
      const after = entries.filter(({ atMs }) => atMs >= event.fromMs);
      const found = causeOf(sideOf(before, DAYS_BEFORE), sideOf(after, DAYS_AFTER));
      assert.equal(found.cause, planted, `seed ${seed}, history ${i}: ${JSON.stringify(found)}`);
      const { cost, calls, tokensPerCall, pricePerToken } = found.ratio;
      assert.ok(Math.abs(cost / (calls * tokensPerCall * pricePerToken) - 1) < 1e-9);
      details.set(planted, `${agent}: ${found.detail}`);
      histories += 1;
    }
  }
  t.diagnostic(`seed ${seed}: ${histories} of ${histories} causes named as planted`);
  for (const [planted, detail] of details) t.diagnostic(`${planted}: ${detail}`);
});

const CHAT = { tool: 'openai_completion', model: 'gpt-4o', tokensIn: 900, tokensOut: 100 };
const DEAR = { ...CHAT, model: 'gpt-5.2' };
const SEARCH = { tool: 'web_search' };

describe('a cause in words', () => {
  const cases: readonly [string, Side, Side, string][] = [
    [
      'more calls',
      plainSide(7, { ...CHAT, calls: 70, usd: 7 }),
      plainSide(1, { ...CHAT, calls: 40, tokensIn: 3_600 / 7, tokensOut: 400 / 7, usd: 4 }),
      'volume: 4.0x the calls',
    ],
    [
      'more calls of one tool, as a part of all',
      plainSide(1, { ...CHAT, calls: 90, usd: 9 }, { ...SEARCH, calls: 10, usd: 0.1 }),
      plainSide(1, { ...CHAT, calls: 90, usd: 9 }, { ...SEARCH, calls: 1_000, usd: 10 }),
      'volume: 100x the calls of web_search',
    ],
    [
      'more calls, most of them of one tool',
      plainSide(1, { ...CHAT, calls: 90, usd: 9 }, { ...SEARCH, calls: 10, usd: 0.1 }),
      plainSide(
        1,
        { ...CHAT, calls: 360, tokensIn: 3_600, tokensOut: 400, usd: 36 },
        { ...SEARCH, calls: 40, usd: 0.4 },
      ),
      'volume: 4.0x the calls, mostly of openai_completion',
    ],
    [
      'a new tool',
      plainSide(1, { ...CHAT, calls: 90, usd: 9 }),
      plainSide(1, { ...CHAT, calls: 90, usd: 9 }, { ...SEARCH, calls: 90, usd: 9 }),
      'volume: calls of web_search, which it had not made before',
    ],
    [
      'another model',
      plainSide(1, { ...CHAT, calls: 100, usd: 1 }),
      plainSide(
        1,
        { ...CHAT, calls: 8, tokensIn: 72, tokensOut: 8, usd: 0.08 },
        { ...DEAR, calls: 92, tokensIn: 828, tokensOut: 92, usd: 5.612 },
      ),
      'price: 92% of its calls went to gpt-5.2, which costs 6.1x as much per token; none did before',
    ],
    [
      'another model by another tool',
      plainSide(1, { ...CHAT, tool: 'a', calls: 100, usd: 1 }),
      plainSide(1, { ...DEAR, tool: 'b', calls: 100, usd: 5 }),
      'price: 100% of its calls went to gpt-5.2, which costs 5.0x as much per token; none did before',
    ],
    [
      'another price of the same model',
      plainSide(1, { ...CHAT, calls: 100, usd: 1 }),
      plainSide(1, { ...CHAT, calls: 100, usd: 2 }),
      'price: a token of gpt-4o costs 2.0x what it did',
    ],
    [
      'more output among the same tokens',
      plainSide(1, { ...CHAT, calls: 100, usd: 1 }),
      plainSide(1, { ...CHAT, tokensIn: 500, tokensOut: 500, calls: 100, usd: 3 }),
      'price: 50% of its tokens were output, which costs more than input; 10% were before',
    ],
    [
      'another price of a tool without tokens',
      plainSide(1, { ...SEARCH, calls: 100, usd: 1 }),
      plainSide(1, { ...SEARCH, calls: 100, usd: 2 }),
      'price: a call of web_search costs 2.0x what it did',
    ],
    [
      'longer prompts',
      plainSide(1, { ...CHAT, tokensIn: 124_000, tokensOut: 0, calls: 100, usd: 1 }),
      plainSide(1, { ...CHAT, tokensIn: 396_800, tokensOut: 0, calls: 100, usd: 3.2 }),
      'tokens: 3.2x the tokens per call: 3,968 instead of 1,240',
    ],
    [
      'fewer calls',
      plainSide(1, { ...CHAT, calls: 100, usd: 1 }),
      plainSide(1, { ...CHAT, tokensIn: 225, tokensOut: 25, calls: 25, usd: 0.25 }),
      'volume: 0.25x the calls',
    ],
    [
      'nothing before',
      plainSide(30),
      plainSide(1, { ...CHAT, calls: 100, usd: 1 }),
      'volume: it made no calls before',
    ],
    [
      'nothing after',
      plainSide(1, { ...CHAT, calls: 100, usd: 1 }),
      plainSide(1),
      'volume: it made no calls any more',
    ],
  ];
  for (const [name, before, after, words] of cases) {
    test(name, () => {
      const { cause, detail } = causeOf(before, after);
      assert.equal(`${cause}: ${detail}`, words);
    });
  }
});
