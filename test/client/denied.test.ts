import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { CLOCK, waitMs } from '../../src/client/clock.js';
import { type Decision, plainDecision } from '../../src/client/decision.js';
import { retryMs } from '../../src/client/denied.js';
import { connect, DeniedError, type OnDenied } from '../../src/client/gate.js';
import { OUTSIDE } from '../../src/client/lineage.js';
import type { AuthorizeResponse } from '../../src/wire/generated/tollgate/v1/AuthorizeResponse.js';
import { gates } from '../support/gate.js';
import { allow } from '../support/service.js';
import { until } from '../support/until.js';

const REASON = 'loop: agent=a has used 50 of 50 calls in 60 s, and this call asks for 1';

const DENIED: AuthorizeResponse = {
  verdict: 'VERDICT_DENY',
  reason: REASON,
  retry_after_ms: 41_200,
  affordable_cost_usd: 0.31,
  affordable_tokens_out: 500,
  rules: [
    { rule_id: 'money', action: 'ACTION_ALERT', metric: 'METRIC_ESTIMATED_COST_USD', used: 1 },
    {
      rule_id: 'loop',
      action: 'ACTION_BLOCK',
      partition: 'agent=a',
      metric: 'METRIC_CALLS',
      limit: 50,
      used: 50,
      remaining: 0,
      denied: true,
      near_limit: true,
      retry_after_ms: 41_200,
    },
  ],
};

describe('a denial', () => {
  const { open, closeAll } = gates();
  after(closeAll);
  const notRun = () => assert.fail('the work of a denied call has run');

  test('is raised as an error that has the decision in the words of the policy', async () => {
    const { gate } = await open({ authorize: () => DENIED });
    const error = await gate.call({ tool: 'search' }, notRun).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof DeniedError);
    assert.equal(error.message, REASON);
    assert.equal(error.retryAfterMs, 41_200);
    assert.equal(error.halted, false);
    assert.equal(error.decision.affordableCostUsd, 0.31);
    assert.deepEqual(error.rule, {
      id: 'loop',
      action: 'block',
      partition: 'agent=a',
      metric: 'calls',
      limit: 50,
      used: 50,
      remaining: 0,
      denied: true,
      nearLimit: true,
      retryAfterMs: 41_200,
    });
  });

  test('is told where that is asked for, by the gate or by the call', async () => {
    const { gate } = await open<'tell'>({ authorize: () => DENIED }, { onDenied: 'tell' });
    // The types: what the work returns, or the denial.
    const told: string | DeniedError = await gate.call({ tool: 'search' }, async () => 'found');
    assert.ok(told instanceof DeniedError);
    assert.equal(
      told.tell,
      `The call to search was not made: ${REASON}. Do not repeat it within the next 42 seconds. ` +
        'A call that costs at most $0.31 and asks for at most 500 output tokens passes now.',
    );
    await assert.rejects(gate.call({ tool: 'search', onDenied: 'raise' }, notRun), DeniedError);
  });

  test('is waited out under the same call id, and the work runs once', async () => {
    const { gate, service } = await open<'wait'>(
      {
        authorize: (request, nth) =>
          nth < 3
            ? { verdict: 'VERDICT_DENY', reason: 'later', retry_after_ms: 1 }
            : allow(request),
      },
      { onDenied: 'wait' },
    );
    const found: string = await gate.call({ tool: 'search' }, async () => 'found');
    assert.equal(found, 'found');
    assert.equal(service.authorized.length, 3);
    assert.deepEqual(service.authorizedBytes[2], service.authorizedBytes[0]);
  });

  test('that would take longer than the caller waits is raised at once', async () => {
    const { gate, service } = await open({ authorize: () => DENIED });
    const call = gate.call({ tool: 'x', onDenied: 'wait', maxWaitMs: 41_199 }, notRun);
    await assert.rejects(call, DeniedError);
    assert.equal(service.authorized.length, 1);
  });

  test('is not waited out any longer once the signal is aborted', async () => {
    const { gate, service } = await open<'wait'>({ authorize: () => DENIED }, { onDenied: 'wait' });
    const aborting = new AbortController();
    const { signal } = aborting;
    const call = gate.call({ tool: 'x', signal }, notRun);
    await until('the question', () => service.authorized.length === 1);
    const pausing = CLOCK.pause(50_000, signal);
    aborting.abort(new Error('the user left'));
    await assert.rejects(call, /the user left/);
    await assert.rejects(pausing, /the user left/);
    assert.equal(service.authorized.length, 1);
  });

  test('of a halted agent says so, and is not waited out', async () => {
    const halt = { agent_id: 'a', since_us: 1, until_us: 0, rule_id: 'loop', why: 'it loops' };
    const { gate } = await open({
      authorize: () => ({ verdict: 'VERDICT_DENY', reason: 'a is halted: it loops', halt }),
    });
    const error = await gate.call({ tool: 'x', onDenied: 'wait' }, notRun).catch((e: unknown) => e);
    assert.ok(error instanceof DeniedError);
    assert.equal(error.halted, true);
    assert.deepEqual(error.decision.halt, { agent: 'a', until: undefined, why: 'it loops' });
    assert.match(error.tell, /You are stopped until a person resumes you/);
  });
});

test('a call is typed by what a denial does', async () => {
  const gate = connect({ address: 'off', warn: () => {} });
  const telling = connect({ address: 'off', onDenied: 'tell', warn: () => {} });
  const dynamic = connect({ address: 'off', onDenied: 'raise' as OnDenied, warn: () => {} });
  const work = async () => 1;
  const raised: Promise<number> = gate.call({ tool: 'x' }, work);
  const waited: Promise<number> = telling.call({ tool: 'x', onDenied: 'wait' }, work);
  const told: Promise<number | DeniedError> = gate.call({ tool: 'x', onDenied: 'tell' }, work);
  // @ts-expect-error a denial may come back
  const wrong: Promise<number> = telling.call({ tool: 'x' }, work);
  // @ts-expect-error nobody knows what a denial does
  const unknown: Promise<number> = dynamic.call({ tool: 'x' }, work);
  const plain: (query: string) => Promise<number> = gate.tool('x', (query: string) => query.length);
  // @ts-expect-error a gated function takes what the function takes
  const misused = () => plain(5);
  assert.equal(typeof misused, 'function');
  const results = await Promise.all([raised, waited, told, wrong, unknown]);
  assert.deepEqual(results, [1, 1, 1, 1, 1]);
});

const call = {
  callId: 'c',
  spec: { model: 'gpt-4o' },
  scope: OUTSIDE,
  askedAtMs: 0,
};
const UNTIL = new Date('2126-01-01T00:00:00Z');

const TOLD: readonly [string, Partial<Decision>, RegExp, 'waits' | 'waits not'][] = [
  ['never fits', { neverFits: true, retryAfterMs: 5 }, /waiting is no help\.$/, 'waits not'],
  ['no rule counts it', {}, /waiting is no help\.$/, 'waits not'],
  ['passes later', { retryAfterMs: 1 }, /within the next 1 second\.$/, 'waits'],
  ['Redis was away', { degraded: 'timeout' }, /within the next 1 second\.$/, 'waits'],
  [
    'never fits, but less does',
    { neverFits: true, affordableTokensOut: 70, affordableCostUsd: 0 },
    /no help\. A call that asks for at most 70 output tokens passes now\.$/,
    'waits not',
  ],
  [
    'fits in nano-dollars',
    { affordableCostUsd: 1.2e-7 },
    / at most \$0\.00000012 passes/,
    'waits not',
  ],
  ['fits in one token', { affordableTokensOut: 1 }, / at most 1 output token passes/, 'waits not'],
  [
    'halted for a time',
    { halt: { agent: 'a', until: UNTIL, why: '' } },
    /You are stopped until 2126-01-01T00:00:00\.000Z/,
    'waits',
  ],
  [
    'halted, and Redis was away',
    { halt: { agent: 'a', until: undefined, why: '' }, degraded: 'timeout' },
    /until a person resumes you/,
    'waits not',
  ],
];

for (const [what, given, tell, waits] of TOLD) {
  test(`a denial that is told: ${what}`, () => {
    const decision = plainDecision('deny', 'c', { reason: 'because', ...given });
    const error = new DeniedError(call, decision);
    assert.match(error.tell, tell);
    assert.match(error.tell, /^The call to gpt-4o was not made: because\. /);
    assert.equal(retryMs(decision) === undefined ? 'waits not' : 'waits', waits);
  });
}

test('a wait is never shorter than what was said, nor longer than what is left', () => {
  const waits: readonly [number | undefined, number, number, number | undefined][] = [
    [undefined, 60_000, 0, undefined],
    [10_000, 60_000, 0, 10_000],
    [10_000, 60_000, 0.5, 10_500],
    [0, 60_000, 0.5, 50],
    [10_000, 10_200, 0.99, 10_200],
    [10_000, 10_000, 0.5, 10_000],
    [10_001, 10_000, 0, undefined],
    [2 ** 33, Number.POSITIVE_INFINITY, 0, 2 ** 31 - 1],
  ];
  for (const [retryAfterMs, leftMs, random, expected] of waits) {
    assert.equal(
      waitMs(retryAfterMs, leftMs, () => random),
      expected,
    );
  }
});
