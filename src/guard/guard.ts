import type { Call } from '../model/call.js';
import type { Decision } from '../model/decision.js';
import type {
  ReleaseOrder,
  ReleaseOutcome,
  Settlement,
  SettlementOutcome,
} from '../model/settlement.js';
import { type AuthorizeParts, createAuthorizer } from './authorize.js';
import type { ObserveLife } from './observe-life.js';
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

export function createGuard(parts: AuthorizeParts & { readonly observeLife: ObserveLife }): Guard {
  const authorizer = createAuthorizer(parts);
  return {
    authorize: authorizer.authorize,
    inspect: authorizer.inspect,
    settle: createSettler(parts, authorizer.prepare, parts.observeLife),
    release: createReleaser(parts, parts.observeLife),
  };
}
