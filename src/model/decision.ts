import type { Amounts, Metric } from './amounts.js';
import type { Halt } from './halt.js';

export type Verdict = 'allow' | 'deny';
export type Action = 'block' | 'alert' | 'shadow' | 'halt';

/** Why Redis gave no answer; `overloaded` and `deadline` are the sidecar's own doing. */
export type FailureReason =
  | 'timeout'
  | 'deadline'
  | 'unavailable'
  | 'overloaded'
  | 'oom'
  | 'loading'
  | 'readonly'
  | 'noreplicas'
  | 'misconf'
  | 'newer'
  | 'busy'
  | 'denied'
  | 'error';

/** How a counted rule stands after the decision. Amounts are whole, in nano-dollars for money. */
export interface WindowStatus {
  readonly used: number;
  readonly resetAfterUs: number;
  readonly nearLimit: boolean;
  /** Thresholds that this call raised, as shares of the limit. */
  readonly raised: readonly number[];
  /** Until when they are not raised again, on the Redis clock; 0 if none was raised. */
  readonly quietUntilUs: number;
}

/** What a rule counts, up to which limit, and in which time. */
export interface Counted {
  readonly metric: Metric;
  /** Grants included. */
  readonly limit: number;
  readonly granted: number;
  /** The length of a sliding window; undefined for a calendar window. */
  readonly windowUs: number | undefined;
  /** A calendar window and its timezone, "day in Asia/Singapore"; '' for a sliding window. */
  readonly calendar: string;
}

/** What one matching rule says of the call. */
export interface RuleStatus {
  readonly ruleId: string;
  readonly action: Action;
  readonly partition: string;
  /** Absent for a rule that denies outright. */
  readonly counted: Counted | undefined;
  /** Absent when degraded, and for a rule that denies outright. */
  readonly window: WindowStatus | undefined;
  readonly denied: boolean;
  readonly shadowDenied: boolean;
  /** If denied: time until the rule would let the same call pass; undefined if waiting is no help. */
  readonly retryAfterUs: number | undefined;
  /** If denied: the amount is over the limit itself, or the rule denies outright. */
  readonly neverFits: boolean;
  /** Why a rule that denies outright does so; '' otherwise. */
  readonly why: string;
}

/** The whole answer to one Authorize or Inspect. */
export interface Decision {
  readonly verdict: Verdict;
  readonly callId: string;
  /** Microseconds of the Redis clock; 0 when degraded. */
  readonly decidedAtUs: number;
  readonly amounts: Amounts;
  readonly rules: readonly RuleStatus[];
  readonly degraded: FailureReason | undefined;
  /** 0 for the first time that the call was asked. */
  readonly repeat: number;
  readonly unmatched: boolean;
  /** The policy denies calls of a model without a price, and this is one. */
  readonly unpriced: boolean;
  /** On a denial, what would still fit; undefined where no rule counts it, or when degraded. */
  readonly affordable: { costNano: number | undefined; tokensOut: number | undefined };
  /** What stops the agent: no rule was checked, or this denial has halted it. */
  readonly halt: Halt | undefined;
  /** What this call causes passes it on as its parent. */
  readonly lineage: string;
  /** On a denial, one sentence for people; '' otherwise. */
  readonly reason: string;
  readonly policyHash: string;
}

/** The rule that is named for a denial: the first in the policy that denied. */
export function denyingRule(decision: Decision): RuleStatus | undefined {
  return decision.rules.find((rule) => rule.denied);
}
