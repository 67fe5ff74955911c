import type { AuthorizeResponse__Output } from '../wire/generated/tollgate/v1/AuthorizeResponse.js';
import type { Halt__Output } from '../wire/generated/tollgate/v1/Halt.js';
import type { RuleStatus__Output } from '../wire/generated/tollgate/v1/RuleStatus.js';

/** What is said of one call: by the sidecar, or in its place by the failure mode. */
export interface Decision {
  readonly verdict: 'allow' | 'deny';
  readonly callId: string;
  /** On a denial, one sentence for people. */
  readonly reason: string;
  /** Every rule that matched, in the order of the policy. */
  readonly rules: readonly RuleStatus[];
  /** What the call holds; undefined if nothing was decided from amounts. */
  readonly amounts: Amounts | undefined;
  /** On a denial: until the same call could pass. undefined if waiting is no help, or unknown. */
  readonly retryAfterMs: number | undefined;
  /** On a denial: the call can never pass as it is. */
  readonly neverFits: boolean;
  /** On a denial: the dearest call that would pass now. */
  readonly affordableCostUsd: number | undefined;
  /** On a denial: the most output tokens that would pass now. */
  readonly affordableTokensOut: number | undefined;
  /** The agent is halted: nothing passes until the halt ends. */
  readonly halt: Halt | undefined;
  /**
   * Why no limit was checked: a reason of the sidecar (Redis was away), `unreachable` (the sidecar
   * was away), `unanswered` (its answer was). undefined is the rule.
   */
  readonly degraded: string | undefined;
  /** How often the sidecar had been asked about this call before. */
  readonly repeat: number;
  /** No rule of the policy matched. */
  readonly unmatched: boolean;
  /** The policy that decided; '' if none did. */
  readonly policyHash: string;
  /** The token that calls caused by this one carry; '' if there is none. */
  readonly lineage: string;
}

/** What one rule says. Limit, used and remaining are in the unit of the metric. */
export interface RuleStatus {
  readonly id: string;
  readonly action: 'block' | 'halt' | 'alert' | 'shadow';
  /** Whose window it is, e.g. `agent=customer-support-v2`. */
  readonly partition: string;
  /** undefined: the rule counts nothing, it denies outright. */
  readonly metric:
    | 'calls'
    | 'estimated_cost_usd'
    | 'tokens'
    | 'tokens_in'
    | 'tokens_out'
    | undefined;
  readonly limit: number | undefined;
  readonly used: number | undefined;
  readonly remaining: number | undefined;
  readonly denied: boolean;
  readonly nearLimit: boolean;
  readonly retryAfterMs: number | undefined;
}

export interface Amounts {
  readonly costUsd: number;
  readonly tokensIn: number;
  readonly tokensOut: number;
}

/** Why an agent is stopped. */
export interface Halt {
  /** `*` is every agent. */
  readonly agent: string;
  /** undefined until somebody resumes it. */
  readonly until: Date | undefined;
  readonly why: string;
}

export function decisionFrom(response: AuthorizeResponse__Output): Decision {
  const { amounts, halt } = response;
  return {
    verdict: response.verdict === 'VERDICT_ALLOW' ? 'allow' : 'deny',
    callId: response.call_id,
    reason: response.reason,
    rules: response.rules.map(ruleFrom),
    amounts: amounts
      ? { costUsd: amounts.cost_usd, tokensIn: amounts.tokens_in, tokensOut: amounts.tokens_out }
      : undefined,
    retryAfterMs: response.retry_after_ms,
    neverFits: response.never_fits,
    affordableCostUsd: response.affordable_cost_usd,
    affordableTokensOut: response.affordable_tokens_out,
    halt: halt ? haltFrom(halt) : undefined,
    degraded: response.degraded ? response.degraded_reason : undefined,
    repeat: response.repeat,
    unmatched: response.unmatched,
    policyHash: response.policy_hash,
    lineage: response.lineage,
  };
}

/** Whether a failure mode decided in the place of the sidecar, which then may not know the call. */
export function isAlone({ degraded }: Decision): boolean {
  return degraded === 'unreachable' || degraded === 'unanswered';
}

/** Degradations that are over in a moment: the sidecar, or Redis, was too busy for this one. */
const TRANSIENT = new Set(['deadline', 'overloaded', 'timeout']);

/** A denial that the same call, asked again at once under the same id, need not get. */
export function isTransient(response: AuthorizeResponse__Output): boolean {
  return (
    response.verdict !== 'VERDICT_ALLOW' &&
    response.degraded &&
    !response.halt &&
    TRANSIENT.has(response.degraded_reason)
  );
}

/** A decision that no rule took part in. */
export function plainDecision(
  verdict: Decision['verdict'],
  callId: string,
  given: Partial<Decision> = {},
): Decision {
  return {
    verdict,
    callId,
    reason: '',
    rules: [],
    amounts: undefined,
    retryAfterMs: undefined,
    neverFits: false,
    affordableCostUsd: undefined,
    affordableTokensOut: undefined,
    halt: undefined,
    degraded: undefined,
    repeat: 0,
    unmatched: false,
    policyHash: '',
    lineage: '',
    ...given,
  };
}

/** The API's enums in the words of the policy file: ACTION_BLOCK is block. */
function ruleFrom(rule: RuleStatus__Output): RuleStatus {
  const metric = rule.metric === 'METRIC_UNSPECIFIED' ? undefined : word(rule.metric, 'METRIC_');
  return {
    id: rule.rule_id,
    action: word(rule.action, 'ACTION_') as RuleStatus['action'],
    partition: rule.partition,
    metric: metric as RuleStatus['metric'],
    limit: rule.limit,
    used: rule.used,
    remaining: rule.remaining,
    denied: rule.denied,
    nearLimit: rule.near_limit,
    retryAfterMs: rule.retry_after_ms,
  };
}

function word(value: string, prefix: string): string {
  return value.slice(prefix.length).toLowerCase();
}

function haltFrom(halt: Halt__Output): Halt {
  return {
    agent: halt.agent_id,
    until: halt.until_us > 0 ? new Date(halt.until_us / 1000) : undefined,
    why: halt.why,
  };
}
