import type { Amounts } from '../model/amounts.js';
import type { Call } from '../model/call.js';
import type { MatchedRule } from '../policy/match.js';
import type { Policy } from '../policy/policy.js';

/** Everything that a decision is made from, before Redis is asked. */
export interface Case {
  readonly policy: Policy;
  readonly call: Call;
  readonly matched: readonly MatchedRule[];
  readonly amounts: Amounts;
  /** The policy denies the call: its cost rests on a model that has no price. */
  readonly unpriced: boolean;
  /** The token for what this call causes. */
  readonly lineage: string;
}
