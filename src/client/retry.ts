import { setTimeout as sleep } from 'node:timers/promises';
import { failureFrom } from './error.js';

/** How long to try. Timeouts double with each try. */
export interface Tries {
  readonly most: number;
  readonly firstTimeoutMs: number;
  /** On performance.now(): no try outlasts it. */
  readonly giveUpAtMs: number;
}

/** Between two tries of which the first was answered badly, and not after a time; doubled for the next. */
const FIRST_PAUSE_MS = 50;

/**
 * Tries until there is an answer that settles it, an error that no repeat mends, or no try left; then
 * it ends as the last try did. Every try must ask for the same thing under the same call id: a repeat
 * is charged once. The pauses are jittered, so that callers that failed together do not return together.
 */
export async function retry<T>(
  attempt: (timeoutMs: number) => Promise<T>,
  settlesIt: (answer: T) => boolean,
  { most, firstTimeoutMs, giveUpAtMs }: Tries,
): Promise<T> {
  for (let made = 1; ; made += 1) {
    const doubled = 2 ** (made - 1);
    const leftMs = Math.max(1, giveUpAtMs - performance.now());
    const pauseMs = FIRST_PAUSE_MS * doubled * (0.5 + Math.random() / 2);
    const isLast = made >= most || leftMs <= firstTimeoutMs * doubled + pauseMs;
    try {
      const answer = await attempt(Math.min(firstTimeoutMs * doubled, leftMs));
      if (isLast || settlesIt(answer)) return answer;
    } catch (error) {
      if (isLast || !failureFrom(error)?.lost) throw error;
    }
    await sleep(pauseMs);
  }
}
