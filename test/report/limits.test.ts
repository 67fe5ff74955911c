import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PolicyEntry } from '../../src/model/entry.js';
import type { SpendAttributes } from '../../src/model/spend.js';
import { parsePolicy } from '../../src/policy/parse.js';
import { limitsOf, limitText } from '../../src/report/limits.js';

const ATTRIBUTES: SpendAttributes = {
  agent: 'support',
  team: 'ops',
  costCentre: '',
  tool: 'search',
  model: '',
  provider: '',
  operation: '',
  rootAgent: 'support',
  labels: {},
};

const budget = (usd: number, more = '') => `rules:
  - id: loop
    match: { tool: "*" }
    action: halt
    rateLimit: { limit: 50, window: 60 }
  - id: budget
    action: block
    rateLimit: { metric: estimated_cost_usd, limit: ${usd}, window: 24h }
${more}`;

const VIP = `    overrides: [{ match: { agent: support }, limit: 200 }]`;

const TEXTS = { a: budget(50), b: budget(80), c: budget(80, VIP), d: 'rules: []', big: '' };
const POLICIES = new Map(Object.entries(TEXTS).map(([hash, text]) => [hash, { hash, text }]));

/** Policies that took effect, by their name and day. */
function eventsOf(steps: readonly (readonly [keyof typeof TEXTS, number])[]): PolicyEntry[] {
  return steps.map(([hash, day]) => {
    const atMs = Date.UTC(2026, 2, day);
    return { id: `${atMs}-0`, atMs, kind: 'policy', hash, from: 'p.yaml', by: 'pod-1' };
  });
}

/** The budget on 2 March, now, and the days on which it changed. */
const CASES: readonly {
  readonly name: string;
  readonly steps: readonly (readonly [keyof typeof TEXTS, number])[];
  readonly expected: readonly [was: string, now: string, changes: readonly string[]];
  /** The day by which the first call was made, if it is after 2 March. */
  readonly spent?: number;
  readonly known?: readonly [then: boolean, now: boolean];
}[] = [
  {
    name: 'the same',
    steps: [['a', 1]],
    expected: ['$50 a day for each agent', '$50 a day for each agent', []],
  },
  {
    name: 'another policy on another sidecar, and back: both changes',
    steps: [
      ['a', 1],
      ['b', 3],
      ['a', 5],
    ],
    expected: [
      '$50 a day for each agent',
      '$50 a day for each agent',
      ['3 $80 a day for each agent', '5 $50 a day for each agent'],
    ],
  },
  {
    name: 'an override for this agent counts, and a policy that changes nothing for it does not',
    steps: [
      ['a', 1],
      ['b', 1],
      ['c', 3],
      ['c', 4],
    ],
    expected: [
      '$80 a day for each agent',
      '$200 a day for each agent',
      ['3 $200 a day for each agent'],
    ],
  },
  {
    name: 'a rule that is gone',
    steps: [
      ['a', 1],
      ['d', 4],
    ],
    expected: ['$50 a day for each agent', 'no such rule', ['4 no such rule']],
  },
  {
    name: 'a rule that came',
    steps: [
      ['d', 1],
      ['a', 4],
    ],
    expected: ['no such rule', '$50 a day for each agent', ['4 $50 a day for each agent']],
  },
  {
    name: 'nobody knows what was in force before the first that is known',
    steps: [
      ['a', 3],
      ['b', 4],
    ],
    expected: ['no such rule', '$80 a day for each agent', ['4 $80 a day for each agent']],
    known: [false, true],
  },
  {
    name: 'the first that is known was in force when the first call was made',
    steps: [
      ['a', 3],
      ['b', 4],
    ],
    spent: 5,
    expected: [
      '$50 a day for each agent',
      '$80 a day for each agent',
      ['4 $80 a day for each agent'],
    ],
  },
  {
    name: 'a policy whose text is not kept is not known, and is no policy without rules',
    steps: [
      ['a', 1],
      ['big', 4],
    ],
    expected: ['$50 a day for each agent', 'no such rule', []],
    known: [true, false],
  },
];

for (const { name, steps, expected, spent, known = [true, true] } of CASES) {
  test(`limits then and now: ${name}`, () => {
    const thenMs = Date.UTC(2026, 2, 2);
    const spentMs = spent ? Date.UTC(2026, 2, spent) : thenMs;
    const limits = limitsOf(eventsOf(steps), POLICIES, [ATTRIBUTES], thenMs, spentMs, undefined);
    const found = limits.rules[0];
    assert.equal(found?.rule, 'budget', 'money first');
    const changes = found.changes.map(
      ({ atMs, to }) => `${new Date(atMs).getUTCDate()} ${limitText(to)}`,
    );
    assert.deepEqual([limitText(found.was), limitText(found.now), changes], expected);
    assert.deepEqual([limits.thenKnown, limits.nowKnown], known);
  });
}

test('where the ledger knows of no policy, the one of the file is what is now', () => {
  const policy = parsePolicy(budget(50));
  assert.ok('hash' in policy);
  const limits = limitsOf([], new Map(), [ATTRIBUTES], 0, 0, policy);
  assert.deepEqual(
    limits.rules.map(({ rule, now }) => `${rule}: ${limitText(now)}`),
    [
      'budget: $50 a day for each agent',
      'loop: 50 calls a minute for each agent, else it is halted',
    ],
  );
  assert.deepEqual([limits.thenKnown, limits.policyNow], [false, undefined]);
});
