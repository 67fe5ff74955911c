/** Settlements at once: at some 2 KB each, 2 MB. One that is lost is over in about 10 s. */
const MAX_PENDING = 1_000;

/** What goes on after the calls are over. */
export interface Settlements {
  /**
   * Goes on without the caller.
   * @param settled never rejects
   * @returns what to wait for where too many are under way, so that memory stays bounded
   */
  add(settled: Promise<void>): Promise<void> | undefined;
  /** Waits until all are over, or as long as given. @returns how many are not */
  flush(timeoutMs: number): Promise<number>;
}

export function createSettlements(): Settlements {
  const pending = new Set<Promise<void>>();
  return {
    add(settled) {
      const entry = settled.finally(() => pending.delete(entry));
      pending.add(entry);
      return pending.size > MAX_PENDING ? entry : undefined;
    },
    async flush(timeoutMs) {
      let timedOut = false;
      let timer: NodeJS.Timeout | undefined;
      const timeout = new Promise<void>((resolve) => {
        timer = setTimeout(() => {
          timedOut = true;
          resolve();
        }, timeoutMs);
      });
      // Calls that end meanwhile add theirs.
      while (pending.size > 0 && !timedOut) {
        await Promise.race([Promise.all(pending), timeout]);
      }
      clearTimeout(timer);
      return pending.size;
    },
  };
}
