import type { Amounts, CostSource, Metric } from '../model/amounts.js';
import type { Action, Decision, RuleStatus } from '../model/decision.js';
import type { Halt } from '../model/halt.js';
import { usdFromNano } from '../model/money.js';
import { retryAfterUs } from '../model/retry.js';
import type { Amounts as WireAmounts } from './generated/tollgate/v1/Amounts.js';
import type { AuthorizeResponse } from './generated/tollgate/v1/AuthorizeResponse.js';
import type { Halt as WireHalt } from './generated/tollgate/v1/Halt.js';
import type { RuleStatus as WireRuleStatus } from './generated/tollgate/v1/RuleStatus.js';

const ACTIONS = {
  block: 'ACTION_BLOCK',
  alert: 'ACTION_ALERT',
  shadow: 'ACTION_SHADOW',
  halt: 'ACTION_HALT',
} as const satisfies Record<Action, string>;

const METRICS = {
  calls: 'METRIC_CALLS',
  estimated_cost_usd: 'METRIC_ESTIMATED_COST_USD',
  tokens: 'METRIC_TOKENS',
  tokens_in: 'METRIC_TOKENS_IN',
  tokens_out: 'METRIC_TOKENS_OUT',
} as const satisfies Record<Metric, string>;

const COST_SOURCES = {
  caller: 'COST_SOURCE_CALLER',
  none: 'COST_SOURCE_NONE',
  table: 'COST_SOURCE_TABLE',
  policy: 'COST_SOURCE_POLICY',
  tool: 'COST_SOURCE_TOOL',
  assumed: 'COST_SOURCE_ASSUMED',
  held: 'COST_SOURCE_HELD',
} as const satisfies Record<CostSource, string>;

/** The decision as the API says it. */
export function encodeDecision(decision: Decision): AuthorizeResponse {
  const { amounts, affordable, rules } = decision;
  const denied = decision.verdict === 'deny';
  const retryUs = denied ? retryAfterUs(decision) : undefined;
  return {
    verdict: denied ? 'VERDICT_DENY' : 'VERDICT_ALLOW',
    call_id: decision.callId,
    decided_at_us: decision.decidedAtUs,
    reason: decision.reason,
    rules: rules.map(encodeRule),
    amounts: encodeAmounts(amounts),
    ...(retryUs === undefined ? {} : { retry_after_ms: roundUpMs(retryUs) }),
    never_fits: rules.some((rule) => rule.neverFits),
    ...(affordable.costNano === undefined
      ? {}
      : { affordable_cost_usd: usdFromNano(affordable.costNano) }),
    ...(affordable.tokensOut === undefined ? {} : { affordable_tokens_out: affordable.tokensOut }),
    degraded: decision.degraded !== undefined,
    degraded_reason: decision.degraded ?? '',
    repeat: decision.repeat,
    unmatched: decision.unmatched,
    policy_hash: decision.policyHash,
    lineage: decision.lineage,
    ...(decision.halt ? { halt: encodeHalt(decision.halt) } : {}),
  };
}

export function encodeAmounts(amounts: Amounts): WireAmounts {
  return {
    cost_usd: usdFromNano(amounts.costNano),
    cost_source: COST_SOURCES[amounts.costSource],
    tokens_in: amounts.tokensIn,
    tokens_out: amounts.tokensOut,
  };
}

function encodeHalt(halt: Halt): WireHalt {
  return {
    agent_id: halt.agent,
    since_us: halt.sinceUs,
    until_us: halt.untilUs,
    rule_id: halt.rule,
    by: halt.by,
    why: halt.why,
  };
}

function encodeRule(rule: RuleStatus): WireRuleStatus {
  const { counted, window } = rule;
  const inUnit = (amount: number) =>
    counted?.metric === 'estimated_cost_usd' ? usdFromNano(amount) : amount;
  return {
    rule_id: rule.ruleId,
    action: ACTIONS[rule.action],
    partition: rule.partition,
    ...(counted && {
      metric: METRICS[counted.metric],
      limit: inUnit(counted.limit),
      ...(counted.windowUs === undefined ? {} : { window_seconds: counted.windowUs / 1e6 }),
      calendar: counted.calendar,
      granted: inUnit(counted.granted),
    }),
    ...(counted &&
      window && {
        used: inUnit(window.used),
        remaining: inUnit(Math.max(0, counted.limit - window.used)),
        near_limit: window.nearLimit,
        reset_after_ms: roundUpMs(window.resetAfterUs),
        raised: [...window.raised],
      }),
    denied: rule.denied,
    shadow_denied: rule.shadowDenied,
    ...(rule.retryAfterUs === undefined ? {} : { retry_after_ms: roundUpMs(rule.retryAfterUs) }),
    never_fits: rule.neverFits,
  };
}

/** Up, so that the call does pass after that time. */
function roundUpMs(us: number): number {
  return Math.ceil(us / 1000);
}
