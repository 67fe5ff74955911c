import type { Call } from '../model/call.js';
import type { Decision } from '../model/decision.js';
import type {
  Identity,
  ReleaseOrder,
  ReleaseOutcome,
  Settlement,
  SettlementOutcome,
} from '../model/settlement.js';
import { type AuthorizeParts, createAuthorizer } from './authorize.js';
import type { ObserveLife } from './observe-life.js';
import { refuseOther } from './pin.js';
import type { Refusal } from './refusal.js';
import { createReleaser } from './release.js';
import { createSettler } from './settle.js';

/** The use cases that an agent calls. Deadlines are moments of the monotonic clock. */
export interface Guard {
  authorize(call: Call, deadlineMs: number): Promise<Decision | Refusal>;
  /** The same question; nothing is written, counted or logged. */
  inspect(call: Call, deadlineMs: number): Promise<Decision | Refusal>;
  settle(settlement: Settlement, deadlineMs: number): Promise<SettlementOutcome | Refusal>;
  release(order: ReleaseOrder, deadlineMs: number): Promise<ReleaseOutcome | Refusal>;
}

export interface GuardParts extends AuthorizeParts {
  readonly observeLife: ObserveLife;
  /** Whom the pod is pinned to: no request can be another's. */
  readonly pinned: Identity;
}

export function createGuard(parts: GuardParts): Guard {
  const { observeLife, pinned } = parts;
  const authorizer = createAuthorizer(parts);
  const settle = createSettler(parts, authorizer.prepare, observeLife);
  const release = createReleaser(parts, observeLife);

  /** Goes on unless one of the identities is another's. */
  function checked<T>(
    identities: readonly Identity[],
    goOn: () => Promise<T>,
  ): Promise<T | Refusal> {
    for (const identity of identities) {
      const refusal = refuseOther(pinned, identity);
      if (refusal) return Promise.resolve(refusal);
    }
    return goOn();
  }

  return {
    authorize: (call, deadlineMs) => checked([call], () => authorizer.authorize(call, deadlineMs)),
    inspect: (call, deadlineMs) => checked([call], () => authorizer.inspect(call, deadlineMs)),
    settle(settlement, deadlineMs) {
      const { identity, call } = settlement;
      return checked(call ? [identity, call] : [identity], () => settle(settlement, deadlineMs));
    },
    release: (order, deadlineMs) => checked([order.identity], () => release(order, deadlineMs)),
  };
}
