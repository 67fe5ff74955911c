import type { Connection } from '../../redis/connection.js';
import { monotonicMs } from '../../redis/deadline.js';

/** Below this a rest would be longer than what it rests from: timers of Node take a millisecond. */
const MIN_REST_MS = 1;

/** Rests are no longer than this: what took so long was waiting, not working. */
const MAX_REST_MS = 100;

/** A connection whose commands go one after another, each after a rest as long as the one before it took. */
export interface GentleConnection extends Connection {
  /** How long commands have taken altogether. */
  busyMs(): number;
}

/**
 * So that a long reading leaves Redis, and a gate in this process, half of the time for decisions, and none of
 * them waits for more than one command.
 */
export function gentle(connection: Connection): GentleConnection {
  let last: Promise<void> = Promise.resolve();
  let busyMs = 0;

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    let tookMs = 0;
    const mine = last.then(async () => {
      const startedMs = monotonicMs();
      try {
        return await work();
      } finally {
        tookMs = monotonicMs() - startedMs;
        busyMs += tookMs;
      }
    });
    const next = () => rest(tookMs);
    last = mine.then(next, next);
    return mine;
  }

  return {
    ...connection,
    run: (script, keys, args) => inTurn(() => connection.run(script, keys, args)),
    command: (name, key, ...args) => inTurn(() => connection.command(name, key, ...args)),
    bytes: (name, key, ...args) => inTurn(() => connection.bytes(name, key, ...args)),
    busyMs: () => busyMs,
  };
}

async function rest(tookMs: number): Promise<void> {
  if (tookMs < MIN_REST_MS) return;
  await new Promise((resolve) => setTimeout(resolve, Math.min(tookMs, MAX_REST_MS)));
}
