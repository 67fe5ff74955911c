import { setTimeout as sleep } from 'node:timers/promises';

/** How calls wait; a fake gate's takes no time. */
export interface Clock {
  nowMs(): number;
  /** Rejects with the signal's reason as soon as it is aborted. */
  pause(ms: number, signal: AbortSignal | undefined): Promise<void>;
}

export const CLOCK: Clock = {
  nowMs: () => performance.now(),
  async pause(ms, signal) {
    try {
      await sleep(ms, undefined, signal ? { signal } : {});
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  },
};

/** The longest that a Node timer takes; it would fire at once for more. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** The share of the wait, and the least, by which callers that were denied together come back apart. */
const JITTER = { share: 0.1, leastMs: 100 };

/**
 * How long to wait for a call that could pass after so long: a little longer, but never beyond what
 * is left.
 * @returns undefined if that is too long, so that nobody waits in vain
 */
export function waitMs(
  retryAfterMs: number | undefined,
  leftMs: number,
  random: () => number,
): number | undefined {
  if (retryAfterMs === undefined || retryAfterMs > leftMs) return undefined;
  const jitterMs = random() * Math.max(retryAfterMs * JITTER.share, JITTER.leastMs);
  return Math.min(retryAfterMs + jitterMs, leftMs, MAX_TIMER_MS);
}
