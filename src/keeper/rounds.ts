/** Work that is done again and again, one round after another, until it is closed. */
export interface Rounds {
  /** Resolves when the round that is under way is over. */
  close(): Promise<void>;
}

/**
 * Starts the first round at once.
 * @param round does the work, and says in how many ms the next is due; one of many parts stops once it is closed
 * @param onProblem is told of an error, unless the round before had the same; the next comes after `idleMs`
 */
export function startRounds(
  round: (isClosed: () => boolean) => Promise<number>,
  idleMs: number,
  onProblem: (error: unknown) => void,
): Rounds {
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  let saidProblem = '';

  async function once(): Promise<void> {
    let pauseMs = idleMs;
    try {
      pauseMs = await round(() => closed);
      saidProblem = '';
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      if (problem !== saidProblem) onProblem(error);
      saidProblem = problem;
    }
    if (!closed) timer = setTimeout(next, pauseMs);
  }

  function next(): void {
    running = once();
  }

  let running = once();
  return {
    close() {
      closed = true;
      clearTimeout(timer);
      return running;
    },
  };
}
