/** What {@link beforeDeadline} gives when the deadline came first. */
export const TIMED_OUT = Symbol('timed out');

/** Monotonic milliseconds of this process; every deadline in it is a moment of this clock. */
export function monotonicMs(): number {
  return performance.now();
}

/**
 * Lets the event loop read its sockets once. What lies there unread, because this process was busy,
 * must not be held against the other end.
 */
export function pollOnce(): Promise<void> {
  return new Promise((resolve) => setTimeout(() => setImmediate(resolve), 0));
}

/**
 * What `work` gives, or {@link TIMED_OUT} at the deadline; `work` itself goes on.
 *
 * A timer that fires late, because the event loop was busy, must not beat a reply that already lies
 * in the socket. So a fired timer yields once: timers run before the poll phase, `setImmediate`
 * after it.
 */
export function beforeDeadline<T>(
  work: Promise<T>,
  deadlineMs: number,
): Promise<T | typeof TIMED_OUT> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => setImmediate(() => resolve(TIMED_OUT)),
      Math.max(1, Math.ceil(deadlineMs - monotonicMs())),
    );
    work.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
