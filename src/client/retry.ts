import { setTimeout as sleep } from 'node:timers/promises';
import { failureFrom } from './error.js';

/** How often to try, and for how long. Timeouts and pauses double with each try. */
export interface Tries {
  readonly most: number;
  readonly firstTimeoutMs: number;
  readonly firstPauseMs: number;
}

/** Where doubling ends, but for a first timeout that is longer: an answer takes 50 ms. */
const MAX_TIMEOUT_MS = 2_000;

/**
 * Tries until there is an answer, an error that no repeat mends, or no try left; then it rejects as
 * the last try did. Every try must ask for the same thing under the same call id: a repeat is charged
 * once. The pauses are jittered, so that callers that failed together do not return together.
 */
export async function retry<T>(
  attempt: (timeoutMs: number) => Promise<T>,
  { most, firstTimeoutMs, firstPauseMs }: Tries,
): Promise<T> {
  const longestMs = Math.max(firstTimeoutMs, MAX_TIMEOUT_MS);
  for (let made = 1; ; made += 1) {
    const doubled = 2 ** (made - 1);
    try {
      return await attempt(Math.min(firstTimeoutMs * doubled, longestMs));
    } catch (error) {
      if (made >= most || !failureFrom(error)?.lost) throw error;
    }
    await sleep(firstPauseMs * doubled * (0.5 + Math.random() / 2));
  }
}
