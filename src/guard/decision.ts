import type { Counted, Decision, FailureReason, RuleStatus } from '../model/decision.js';
import type { Halt } from '../model/halt.js';
import { spanEndUs } from '../model/span.js';
import type { MatchedRule } from '../policy/match.js';
import type { Limit, Policy } from '../policy/policy.js';
import { spanOf, windowFields } from '../policy/window.js';
import { affordableTokensOut } from '../pricing/price.js';
import type { Answer, WindowAnswer } from '../store/answer.js';
import type { Case } from './case.js';
import { deniedOutright, effectiveAction } from './question.js';
import { overSentence, reasonFor } from './reason.js';

/** A rule without alertAt is near its limit at this share of it. */
const NEAR_SHARE = 0.8;

/** The decision that Redis made. @param latches the denial of a halt rule has halted the agent */
export function decisionFrom(asked: Case, answer: Answer, latches: boolean): Decision {
  const repeated = answer.code === 'repeated';
  let next = 0;
  const rules = asked.matched.map((matched) => {
    const counts = matched.counted && matched.outright === '';
    const window = counts ? answer.windows[next++] : undefined;
    return ruleStatus(asked.policy, matched, window, !repeated, answer.nowUs);
  });
  // A repeat holds what it was admitted with, whatever would be estimated now.
  return finish(repeated ? { ...asked, amounts: answer.held } : asked, rules, {
    denied: answer.code === 'denied',
    decidedAtUs: answer.nowUs,
    degraded: undefined,
    repeat: answer.repeats,
    halt: latches ? haltFrom(asked, answer, rules) : undefined,
  });
}

/** The decision for an agent that is halted: no rule was checked. */
export function haltedDecision(
  asked: Case,
  halt: Halt,
  how: { decidedAtUs: number; degraded: FailureReason | undefined },
): Decision {
  const rules = asked.matched.map((matched) => ruleStatus(asked.policy, matched, undefined, false));
  return finish(asked, rules, { ...how, denied: true, repeat: 0, halt });
}

/** The halt that this denial has set off: the longest, as lua/authorize.lua keeps it. */
function haltFrom(asked: Case, answer: Answer, rules: readonly RuleStatus[]): Halt | undefined {
  let latched: Halt | undefined;
  for (const [i, { action, denied, partition, counted }] of rules.entries()) {
    const rule = asked.matched[i]?.rule;
    if (action !== 'halt' || !denied || !counted || !rule) continue;
    const untilUs = rule.haltForUs === 0 ? 0 : answer.nowUs + rule.haltForUs;
    const longer =
      !latched || (latched.untilUs !== 0 && (untilUs === 0 || untilUs > latched.untilUs));
    if (!longer) continue;
    const why = overSentence(partition, { ...counted, limit: counted.limit - counted.granted });
    latched = {
      agent: asked.call.agent,
      sinceUs: answer.nowUs,
      untilUs,
      rule: rule.id,
      by: '',
      why,
    };
  }
  return latched;
}

/** Failures that are no fault of Redis: the caller left no time, or asked too much at once. */
const NOT_REDIS: ReadonlySet<FailureReason> = new Set(['deadline', 'overloaded']);

/**
 * The decision without an answer. Where Redis is at fault, the failure modes decide. Where the caller
 * is, every block rule denies: otherwise an agent could choose a short deadline, or a burst, and pass.
 */
export function degradedDecision(asked: Case, failed: FailureReason): Decision {
  const rules = asked.matched.map((matched): RuleStatus => {
    const status = ruleStatus(asked.policy, matched, undefined, true);
    const denies = NOT_REDIS.has(failed) || matched.rule.failureMode === 'deny';
    const blocks = status.action === 'block' || status.action === 'halt';
    return matched.outright === '' && blocks && denies ? { ...status, denied: true } : status;
  });
  return finish(asked, rules, {
    denied: deniedOutright(asked) || rules.some((rule) => rule.denied),
    decidedAtUs: 0,
    degraded: failed,
    repeat: 0,
    halt: undefined,
  });
}

/** A repeat of a call that the failure modes allowed, while Redis is still away. */
export function allowedAgain(asked: Case, failed: FailureReason, repeat: number): Decision {
  const rules = asked.matched.map((matched) => ruleStatus(asked.policy, matched, undefined, false));
  const how = { denied: false, decidedAtUs: 0, degraded: failed, repeat, halt: undefined };
  return finish(asked, rules, how);
}

function ruleStatus(
  policy: Policy,
  { rule, partition, counted, outright }: MatchedRule,
  window: WindowAnswer | undefined,
  fresh: boolean,
  nowUs = 0,
): RuleStatus {
  const action = effectiveAction(policy, rule);
  const denies = outright !== '' && fresh;
  const denied = window ? window.denied : denies && action !== 'shadow';
  return {
    ruleId: rule.id,
    action,
    partition,
    counted: counted && countedOf(counted, window?.granted ?? 0),
    window:
      window && counted
        ? {
            used: window.used,
            resetAfterUs: window.resetAfterUs,
            nearLimit: window.used >= nearAmount(counted.limit),
            raised: counted.rateLimit.alertAt.filter(
              (_, bit) => (window.raised & (1 << bit)) !== 0,
            ),
            quietUntilUs:
              window.raised === 0 ? 0 : spanEndUs(spanOf(counted.rateLimit.window, nowUs), nowUs),
          }
        : undefined,
    denied,
    shadowDenied: window ? window.shadowDenied : denies && action === 'shadow',
    retryAfterUs: window?.denied ? window.retryAfterUs : undefined,
    neverFits: denied && window?.retryAfterUs === undefined,
    why: outright,
  };
}

function countedOf(
  { rateLimit, limit }: NonNullable<MatchedRule['counted']>,
  granted: number,
): Counted {
  const { metric, window } = rateLimit;
  return { metric, limit: limit.amount + granted, granted, ...windowFields(window) };
}

function nearAmount(limit: Limit): number {
  return limit.thresholds[0] ?? limit.amount * NEAR_SHARE;
}

function finish(
  asked: Case,
  rules: RuleStatus[],
  how: {
    denied: boolean;
    decidedAtUs: number;
    degraded: FailureReason | undefined;
    repeat: number;
    halt: Halt | undefined;
  },
): Decision {
  const decision: Decision = {
    verdict: how.denied ? 'deny' : 'allow',
    callId: asked.call.callId,
    decidedAtUs: how.decidedAtUs,
    amounts: asked.amounts,
    rules,
    degraded: how.degraded,
    repeat: how.repeat,
    unmatched: asked.matched.length === 0,
    unpriced: asked.unpriced,
    policyHash: asked.policy.hash,
    halt: how.halt,
    lineage: asked.lineage,
    affordable: how.denied
      ? affordable(rules, asked)
      : { costNano: undefined, tokensOut: undefined },
    reason: '',
  };
  return how.denied ? { ...decision, reason: reasonFor(decision) } : decision;
}

/** What a call like this one, but smaller, would still pass with. */
function affordable(rules: readonly RuleStatus[], asked: Case): Decision['affordable'] {
  const { amounts } = asked;
  let costNano: number | undefined;
  let tokensOut: number | undefined;
  // No smaller call passes a rule that counts calls, or that denies outright.
  const hopeless = rules.some(
    ({ denied, counted, why }) => denied && (why !== '' || counted?.metric === 'calls'),
  );
  for (const { action, counted, window } of rules) {
    if ((action !== 'block' && action !== 'halt') || !counted || !window) continue;
    const left = hopeless ? 0 : Math.max(0, counted.limit - window.used);
    if (counted.metric === 'estimated_cost_usd') {
      costNano = Math.min(costNano ?? left, left);
      const tokens = tokensFor(asked, left);
      if (tokens !== undefined) tokensOut = Math.min(tokensOut ?? tokens, tokens);
    }
    if (counted.metric === 'tokens_out') tokensOut = Math.min(tokensOut ?? left, left);
    if (counted.metric === 'tokens') {
      const out = Math.max(0, left - amounts.tokensIn);
      tokensOut = Math.min(tokensOut ?? out, out);
    }
  }
  return { costNano, tokensOut };
}

/** The most output tokens that so much money buys for this call, where its cost is tokens times price. */
function tokensFor({ policy, call, amounts }: Case, leftNano: number): number | undefined {
  if (!['table', 'policy', 'assumed'].includes(amounts.costSource)) return undefined;
  const { price } = policy.prices.priceOf(call.model, call.provider, Date.now());
  return affordableTokensOut(price, amounts.tokensIn, leftNano);
}
