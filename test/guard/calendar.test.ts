import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { showDecision } from '../../src/cli/show.js';
import type { Case } from '../../src/guard/case.js';
import { decisionFrom } from '../../src/guard/decision.js';
import { createObserver } from '../../src/guard/observe.js';
import { questionFor } from '../../src/guard/question.js';
import { createAnnouncer } from '../../src/guard/thresholds.js';
import { NOTHING } from '../../src/model/amounts.js';
import type { Call } from '../../src/model/call.js';
import { matchRules } from '../../src/policy/match.js';
import { parsePolicy } from '../../src/policy/parse.js';
import { estimateFor } from '../../src/pricing/estimate.js';
import type { Answer, WindowAnswer } from '../../src/store/answer.js';
import { createLog } from '../../src/telemetry/log.js';
import { createMetrics } from '../../src/telemetry/metrics.js';
import { loadApi } from '../../src/wire/definition.js';
import { encodeDecision } from '../../src/wire/encode.js';
import { callOf } from '../support/call.js';
import { readMetric, scrapedTwice } from '../support/sidecar.js';

const HOUR_US = 3_600_000_000;

/** 20:48 in Singapore: its day began at 16:00 UTC of the day before. */
const NOW_US = Date.parse('2026-11-25T12:48Z') * 1000;
const MIDNIGHT_US = Date.parse('2026-11-25T16:00Z') * 1000;

function caseOf(text: string, given: Partial<Call>): Case {
  const policy = parsePolicy(text);
  if ('errors' in policy) assert.fail(JSON.stringify(policy.errors));
  const call = callOf({ callId: 'c', ...given });
  return {
    policy,
    call,
    matched: matchRules(policy, call),
    ...estimateFor(call, policy.prices, undefined, 0),
    lineage: '',
  };
}

/** What Redis says of windows that are full. */
function answerOf(nowUs: number, windows: Partial<WindowAnswer>[]): Answer {
  const full: WindowAnswer = {
    used: 50_000_000_000,
    retryAfterUs: MIDNIGHT_US - nowUs,
    resetAfterUs: MIDNIGHT_US - nowUs,
    denied: true,
    shadowDenied: false,
    raised: 0,
    granted: 0,
  };
  const all = windows.map((window) => ({ ...full, ...window }));
  return {
    code: all.some((w) => w.denied) ? 'denied' : 'allowed',
    nowUs,
    repeats: 0,
    held: NOTHING,
    windows: all,
    halt: undefined,
  };
}

describe('a calendar window', () => {
  test('is asked about by its edges, whatever the action, the partition, the thresholds and the limit', () => {
    const rule = (action: string, more = '') =>
      `  - { id: r-${action}, action: ${action}, per: [team], alertAt: [0.5, 1.0], rateLimit: { limit: 10, window: { calendar: day, timezone: Asia/Singapore } }${more} }\n`;
    const asked = caseOf(
      `rules:\n${['block', 'halt', 'alert'].map((action) => rule(action)).join('')}${rule('shadow', ', overrides: [{ match: { agent: a }, limit: 20 }]')}`,
      { agent: 'a', team: 't' },
    );
    const { windows } = questionFor(asked, 'attempt', NOW_US);
    const day = 24 * HOUR_US;
    const edgesUs = [MIDNIGHT_US - 2 * day, MIDNIGHT_US - day, MIDNIGHT_US, MIDNIGHT_US + day];
    const common = { partition: 'team=t', metric: 'calls' as const, span: { edgesUs } };
    const plain = { ...common, limit: 10, thresholds: [5, 10] };
    assert.deepEqual(
      windows.map(({ rule: _rule, shape: _shape, halt: _halt, ...rest }) => rest),
      [
        { ...plain, kind: 'block' },
        { ...plain, kind: 'halt' },
        { ...plain, kind: 'alert' },
        { ...common, kind: 'shadow', limit: 20, thresholds: [10, 20] },
      ],
    );
  });

  test('is named in the reason, in the API and on the command line, beside one that slides', () => {
    const asked = caseOf(
      `rules:
  - { id: token-budget-daily, action: block, rateLimit: { metric: estimated_cost_usd, limit: 50, window: { calendar: day, timezone: Asia/Singapore } } }
  - { id: burst, action: block, rateLimit: { limit: 50, window: 60 } }
`,
      { agent: 'x', estimatedCostUsd: 1 },
    );
    const idle = { used: 3, denied: false, retryAfterUs: 0 };
    const decision = decisionFrom(asked, answerOf(NOW_US, [{}, idle]), true);
    const reason =
      'token-budget-daily: agent=x has used $50.00 of $50.00 in this day (Asia/Singapore), and this call asks for $1.00; try again in 3 h 12 min';
    assert.equal(decision.reason, reason);

    const { responseSerialize, responseDeserialize } =
      loadApi().tollgate.v1.Tollgate.service.Authorize;
    const received = responseDeserialize(responseSerialize(encodeDecision(decision)));
    assert.deepEqual(
      received.rules.map((rule) => [rule.calendar, rule.window_seconds, rule.retry_after_ms]),
      [
        ['day in Asia/Singapore', undefined, 11_520_000],
        ['', 60, undefined],
      ],
    );
    assert.deepEqual(showDecision(received).split('\n'), [
      'DENY  c',
      `  ${reason}`,
      '  token-budget-daily  agent=x  $50.00 of $50.00 in this day (Asia/Singapore)  denies',
      '  burst               agent=x  3 of 50 calls in 60 s',
    ]);
  });

  test('raises a threshold once in its period, and again in the next', async () => {
    const asked = caseOf(
      'rules: [{ id: cap, action: block, alertAt: [1.0], rateLimit: { limit: 0, window: { calendar: day, timezone: Asia/Singapore } } }]',
      { agent: 'x' },
    );
    const metrics = createMetrics();
    const log = createLog('silent', 'json');
    const noted: unknown[] = [];
    const observe = createObserver(metrics, log, createAnnouncer(metrics, log), {
      denied() {},
      raised: (_call, note) => noted.push(note),
      close: async () => {},
    });
    const raisedBy = async (nowUs: number) => {
      observe(
        asked.call,
        decisionFrom(asked, answerOf(nowUs, [{ used: 0, raised: 1 }]), true),
        0.001,
      );
      const text = await scrapedTwice(metrics);
      return readMetric(
        text,
        'tollgate_thresholds_raised_total',
        '{agent="x",team="",rule="cap",threshold="1"}',
      );
    };
    assert.equal(await raisedBy(NOW_US), 1);
    assert.equal(await raisedBy(MIDNIGHT_US - 1), 1);
    assert.equal(await raisedBy(MIDNIGHT_US), 2, 'the next day has begun, 3 hours later');
    assert.equal(await raisedBy(MIDNIGHT_US + 24 * HOUR_US - 1), 2);
    assert.equal(noted.length, 2, 'the ledger is told of each, since no script was');
  });
});
