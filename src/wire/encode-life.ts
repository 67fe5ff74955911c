import { usdFromNano } from '../model/money.js';
import type { CallState, ReleaseOutcome, SettlementOutcome } from '../model/settlement.js';
import { encodeAmounts } from './encode.js';
import type { ReleaseResponse } from './generated/tollgate/v1/ReleaseResponse.js';
import type { SettleResponse } from './generated/tollgate/v1/SettleResponse.js';

const STATES = {
  held: 'CALL_STATE_HELD',
  settled: 'CALL_STATE_SETTLED',
  released: 'CALL_STATE_RELEASED',
  unheld: 'CALL_STATE_UNHELD',
  unauthorized: 'CALL_STATE_UNAUTHORIZED',
} as const satisfies Record<CallState, string>;

/** What became of a settlement, as the API says it. */
export function encodeSettlement(outcome: SettlementOutcome): SettleResponse {
  return {
    call_id: outcome.callId,
    state: STATES[outcome.state],
    settled: encodeAmounts(outcome.settled),
    held: encodeAmounts(outcome.held),
    overage_usd: usdFromNano(outcome.overageNano),
    overage_tokens: outcome.overageTokens,
    settled_at_us: outcome.settledAtUs,
    repeat: outcome.repeat,
    late: outcome.late,
    pending: outcome.pending !== undefined,
    degraded_reason: outcome.pending ?? '',
    usage_problem: outcome.usageProblem,
  };
}

/** What became of a release, as the API says it. */
export function encodeRelease(outcome: ReleaseOutcome): ReleaseResponse {
  return {
    call_id: outcome.callId,
    state: STATES[outcome.state],
    released: encodeAmounts(outcome.released),
    repeat: outcome.repeat,
    pending: outcome.pending !== undefined,
    degraded_reason: outcome.pending ?? '',
  };
}
