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
   * One try. Rejects as the channel does.
   * @param alone nobody may have authorized the call: it is told in full
   * @param nth from 0; later tries have longer
   * @returns why the provider's usage could not be read; '' if it could
   */
  settle(
    call: AskedCall,
    reported: Reported,
    outcome: Outcome,
    alone: boolean,
    nth: number,
  ): Promise<string>;
  /** One try. Rejects as the channel does. */
  release(call: AskedCall, why: string, nth: number): Promise<void>;
  close(): Promise<void>;
}
