import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Denials } from '../../src/guard/denials.js';
import { createTellDenied } from '../../src/guard/denied.js';
import type { Notes } from '../../src/guard/notes.js';
import { createObserver } from '../../src/guard/observe.js';
import { createAnnouncer } from '../../src/guard/thresholds.js';
import type { Decision, RuleStatus } from '../../src/model/decision.js';
import { denierOf } from '../../src/model/denier.js';
import { parseEntry } from '../../src/store/entry.js';
import { createLog } from '../../src/telemetry/log.js';
import { createMetrics } from '../../src/telemetry/metrics.js';
import { callOf } from '../support/call.js';

const NOW_US = 1_790_000_000_000_000;

function statusOf(given: Partial<RuleStatus> = {}): RuleStatus {
  return {
    ruleId: 'budget',
    action: 'block',
    partition: 'agent=a',
    counted: { metric: 'calls', limit: 50, granted: 0, windowUs: 60e6, calendar: '' },
    window: { used: 49, resetAfterUs: 1, nearLimit: true, raised: [], quietUntilUs: 0 },
    denied: true,
    shadowDenied: false,
    retryAfterUs: 5_000_000,
    neverFits: false,
    why: '',
    ...given,
  };
}

function decisionOf(callId: string, given: Partial<Decision> = {}): Decision {
  return {
    verdict: 'deny',
    callId,
    decidedAtUs: NOW_US,
    amounts: { costNano: 7, costSource: 'caller', tokensIn: 2, tokensOut: 3 },
    rules: [statusOf()],
    degraded: undefined,
    repeat: 0,
    unmatched: false,
    unpriced: false,
    affordable: { costNano: undefined, tokensOut: undefined },
    halt: undefined,
    lineage: '',
    reason: '',
    policyHash: '',
    ...given,
  };
}

const HALT = { agent: 'a', sinceUs: 1, untilUs: NOW_US + 9, rule: 'r', by: '', why: '' };

for (const [what, given, retryAtUs] of [
  ['of one rule', {}, NOW_US + 5_000_000],
  [
    'of two rules is the later',
    { rules: [statusOf(), statusOf({ retryAfterUs: 9_000_000 })] },
    NOW_US + 9_000_000,
  ],
  [
    'of a rule that lets it never pass is none',
    { rules: [statusOf(), statusOf({ retryAfterUs: undefined })] },
    0,
  ],
  [
    'of an allowing rule does not count',
    { rules: [statusOf(), statusOf({ denied: false, retryAfterUs: undefined })] },
    NOW_US + 5_000_000,
  ],
  ['of a halt is its end', { halt: HALT, rules: [] }, NOW_US + 9],
  ['is not known without Redis', { decidedAtUs: 0 }, 0],
] as const) {
  test(`when a denied call may go on: ${what}`, () => {
    const denied = createTellDenied()(
      callOf(),
      decisionOf('c', given as Partial<Decision>),
      'budget',
    );
    assert.equal(denied.retryAtUs, retryAtUs);
  });
}

const OUTRIGHT = statusOf({
  ruleId: 'no-shell',
  counted: undefined,
  window: undefined,
  why: 'shell',
});
const UNASKED = statusOf({ window: undefined, retryAfterUs: undefined });

for (const [what, given, rule, partition] of [
  ['a rule over its limit', {}, 'budget', 'agent=a'],
  ['a halt', { halt: HALT, rules: [] }, 'halt', ''],
  ['a rule that halts with this denial', { halt: HALT }, 'budget', 'agent=a'],
  ['a model without a price', { rules: [], unpriced: true }, 'unpriced', ''],
  ['a policy without a rule for it', { rules: [], unmatched: true }, 'none', ''],
  ['a failure mode', { rules: [UNASKED], degraded: 'timeout' }, 'degraded', ''],
  ['a busy sidecar', { rules: [UNASKED], degraded: 'overloaded' }, 'degraded', ''],
  [
    'a rule that needs no Redis, after a failure mode',
    { rules: [UNASKED, OUTRIGHT], degraded: 'timeout' },
    ...(['no-shell', 'agent=a'] as const),
  ],
  ['a halt, without Redis', { halt: HALT, rules: [], degraded: 'timeout' }, 'halt', ''],
  [
    'no price, without Redis',
    { rules: [UNASKED], unpriced: true, degraded: 'timeout' },
    ...(['unpriced', ''] as const),
  ],
  ['no rule, without Redis', { rules: [], unmatched: true, degraded: 'timeout' }, 'none', ''],
] as const) {
  test(`a call that is denied by ${what} counts under ${rule}`, () => {
    const decision = decisionOf('c', given as Partial<Decision>);
    assert.equal(denierOf(decision).rule, rule);
    const denied = createTellDenied()(callOf(), decision, rule);
    assert.deepEqual([denied.rule, denied.partition], [rule, partition]);
    const hasWindow = rule === 'budget';
    assert.deepEqual([denied.metric, denied.limit], hasWindow ? ['calls', 50] : [undefined, 0]);
  });
}

test('a threshold that a denial raises says which call has raised it', () => {
  const told: unknown[] = [];
  const metrics = createMetrics();
  const log = createLog('silent', 'json');
  const notes: Notes = { denied() {}, raised: (_, note) => told.push(note), close: async () => {} };
  const observe = createObserver(metrics, log, createAnnouncer(metrics, log), notes);
  const window = { used: 49, resetAfterUs: 1, nearLimit: true, raised: [1], quietUntilUs: 9 };
  const call = callOf({ agent: 'a', team: 't', tool: 'search', instance: 'pod-1' });
  observe(call, decisionOf('c', { rules: [statusOf({ window })] }), 0.001);
  const { metric, limit } = { metric: 'calls', limit: 50 };
  assert.deepEqual(told, [
    {
      ...{ kind: 'threshold', rule: 'budget', partition: 'agent=a', metric, limit, amount: 50 },
      ...{ agent: 'a', team: 't', tool: 'search', run: 'pod-1' },
    },
  ]);
});

test('what a call asks for counts once, each of its denials, and the run is that of the last', () => {
  const tell = createTellDenied();
  const denials = new Denials();
  const deny = (callId: string, run: string, used: number) => {
    const window = { used, resetAfterUs: 1, nearLimit: true, raised: [], quietUntilUs: 0 };
    const decidedAtUs = NOW_US + used;
    const decision = decisionOf(callId, { rules: [statusOf({ window })], decidedAtUs });
    return denials.add('d', tell(callOf({ callId, run }), decision, 'budget'));
  };
  assert.deepEqual(
    [deny('c1', 'r1', 48), deny('c1', 'r1', 49), deny('c2', 'r2', 50)],
    [true, false, false],
  );
  const [summed, ...others] = denials.take().get('d') ?? [];
  assert.deepEqual(others, []);
  assert.ok(summed);
  const { calls, asked, askedAgain, metric, used, limit, run, facts } = summed;
  assert.deepEqual([calls, asked.costNano, asked.tokensIn], [3, 14, 4]);
  assert.deepEqual(askedAgain, { costNano: 7, tokensIn: 2, tokensOut: 3 });
  assert.deepEqual([metric, used, limit, run, facts.run], ['calls', 50, 50, 'r2', '']);
  deny('c1', 'r1', 51);
  const [again] = denials.take().get('d') ?? [];
  assert.deepEqual(
    [again?.asked.costNano, again?.askedAgain.costNano],
    [0, 7],
    'in a later second too',
  );
});

test('of calls past the bound the oldest are forgotten, and count once more', () => {
  const tell = createTellDenied();
  const asked = (n: number) =>
    tell(callOf({ callId: `c${n}` }), decisionOf(`c${n}`), 'budget').asked.costNano;
  for (let n = 0; n < 10_000; n += 1) assert.equal(asked(n), 7);
  assert.equal(asked(0), 0);
  assert.equal(asked(10_000), 7);
  assert.equal(asked(0), 0, 'it was asked lately');
  assert.equal(asked(1), 7);
});

test('the first denial of a kind after a quiet second is a first, and no more than the bound are', () => {
  const tell = createTellDenied();
  const denials = new Denials();
  let id = 0;
  const deny = (agent: string) => {
    id += 1;
    return denials.add('d', tell(callOf({ agent }), decisionOf(`c${id}`), 'budget'));
  };
  assert.deepEqual([deny('a'), deny('a'), deny('b')], [true, false, true]);
  denials.take();
  assert.equal(deny('a'), false, 'told, but not quiet');
  denials.turn();
  assert.equal(deny('a'), false);
  denials.turn();
  denials.turn();
  assert.equal(deny('a'), true);
  denials.turn();
  denials.turn();
  const firsts = Array.from({ length: 5_000 }, (_, n) => deny(`agent-${n}`));
  assert.equal(firsts.filter(Boolean).length, 1_000 - 1, 'one kind was there');
});

test('an entry of before, which tells nothing of the window, is read', () => {
  const fields = { k: 'd', f: '\tw\t\t\t\tsearch', w: 'budget\tagent=w', n: '4 10 20 240 5 6 0' };
  const entry = parseEntry('1-0', fields);
  assert.ok(entry?.kind === 'denied');
  const { calls, asked, askedAgain, metric, used, limit, retryAtUs, run } = entry;
  assert.deepEqual([calls, asked.costNano, asked.tokensOut], [4, 240, 6]);
  assert.deepEqual(askedAgain, { costNano: 0, tokensIn: 0, tokensOut: 0 });
  assert.deepEqual([metric, used, limit, retryAtUs, run], [undefined, 0, 0, 0, '']);
});
