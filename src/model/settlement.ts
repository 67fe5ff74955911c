import type { Amounts } from './amounts.js';
import type { Call } from './call.js';
import type { FailureReason } from './decision.js';

/** Where a call is in its life. `unheld`: nobody knows a hold of it; `unauthorized`: nobody asked. */
export type CallState = 'held' | 'settled' | 'released' | 'unheld' | 'unauthorized';

/** How a call ended, as the agent says. */
export const OUTCOMES = ['unknown', 'ok', 'error', 'cancelled'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Who made a call; it may name the domain. Text of '' is absent. */
export type Identity = Pick<Call, 'agent' | 'team' | 'costCentre' | 'instance'>;

/**
 * What an agent says that a call has used, decoded and validated. undefined and '' are absent.
 * Bounds: tokens 0 to 10^9, cost 0 to $1 million.
 */
export interface Settlement {
  readonly callId: string;
  readonly identity: Identity;
  /** The model that answered, and who served it. */
  readonly model: string;
  readonly provider: string;
  /** Cached ones included. */
  readonly tokensIn: number | undefined;
  readonly tokensOut: number | undefined;
  readonly cachedTokensIn: number | undefined;
  readonly cacheWriteTokensIn: number | undefined;
  readonly costUsd: number | undefined;
  /** The response of the provider, or its usage object. */
  readonly usageJson: string;
  readonly outcome: Outcome;
  /** The call in full, for one that may never have been authorized. */
  readonly call: Call | undefined;
}

/** What became of a settlement. */
export interface SettlementOutcome {
  readonly callId: string;
  readonly state: CallState;
  readonly settled: Amounts;
  readonly held: Amounts;
  readonly overageNano: number;
  readonly overageTokens: number;
  /** Microseconds of the Redis clock; 0 when pending. */
  readonly settledAtUs: number;
  readonly repeat: boolean;
  readonly late: boolean;
  /** Why the provider's usage object could not be read; '' if it could. */
  readonly usageProblem: string;
  /** Redis gave no answer, for this reason, and is told later. */
  readonly pending: FailureReason | undefined;
}

/** A call that was never sent. */
export interface ReleaseOrder {
  readonly callId: string;
  readonly identity: Identity;
  readonly why: string;
}

/** What became of a release. */
export interface ReleaseOutcome {
  readonly callId: string;
  readonly state: CallState;
  readonly released: Amounts;
  readonly repeat: boolean;
  readonly pending: FailureReason | undefined;
}
