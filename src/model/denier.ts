import type { Decision, RuleStatus } from './decision.js';

/** What stands for the rule in metrics and ledger where no rule found the call to be over its limit. */
export const STAND_INS = {
  /** The agent is halted: no rule was checked. */
  halt: 'halt',
  /** The model has no price, and the policy denies such calls. */
  unpriced: 'unpriced',
  /** Redis gave no answer, and failure modes denied: whether the call was over a limit is not known. */
  degraded: 'degraded',
  /** No rule matched, and the policy denies such calls; or nothing was denied. */
  none: 'none',
} as const;

/** What has denied a call. */
export interface Denier {
  /** The id of the rule, or what stands for it. */
  readonly rule: string;
  /** How that rule stands; undefined if none has denied. */
  readonly status: RuleStatus | undefined;
}

/** What denied: the first rule in the policy that is known to, else what stands for one. */
export function denierOf(decision: Decision): Denier {
  const { rules, degraded } = decision;
  // Without Redis only a rule that denies outright is known to: the others were not asked.
  const status = rules.find(({ denied, why }) => denied && (!degraded || why !== ''));
  return { rule: status?.ruleId ?? standIn(decision), status };
}

function standIn({ verdict, halt, unpriced, degraded, unmatched }: Decision): string {
  if (verdict === 'allow') return STAND_INS.none;
  if (halt) return STAND_INS.halt;
  if (unpriced) return STAND_INS.unpriced;
  return degraded && !unmatched ? STAND_INS.degraded : STAND_INS.none;
}
