/** Something that is done again and again, each time after the one before. */
export interface Round {
  /** Ends it, and waits for what is under way. */
  end(): Promise<void>;
}

/** Does it now, and then each `everyMs` unless it is still under way. @param work must not reject */
export function startRound(work: () => Promise<void>, everyMs: number): Round {
  let underWay: Promise<void> | undefined;
  const turn = () => {
    underWay ??= work().finally(() => {
      underWay = undefined;
    });
  };
  turn();
  const timer = setInterval(turn, everyMs);
  timer.unref();
  return {
    async end() {
      clearInterval(timer);
      await underWay;
    },
  };
}
