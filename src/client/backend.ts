import type { Decision } from './decision.js';
import type { AskedCall } from './spec.js';
import type { Reported } from './usage.js';

/** How a call ended. */
export type Outcome = 'ok' | 'error' | 'cancelled';

/** Who decides: a sidecar, nobody (`off`), or a test. */
export interface Backend {
  /** Rejects with a CallError for a broken call, and for nothing else. */
  authorize(call: AskedCall): Promise<Decision>;
  /**
   * Rejects when the settlement is lost.
   * @param alone nobody may have authorized the call: it is told in full
   */
  settle(call: AskedCall, reported: Reported, outcome: Outcome, alone: boolean): Promise<void>;
  /** Rejects when the release is lost. */
  release(call: AskedCall, why: string): Promise<void>;
  close(): Promise<void>;
}
