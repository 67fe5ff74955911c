/** So many at once; the others wait for their turn, first come, first served. */
export interface Line {
  /**
   * Waits for a turn as long as given.
   * @returns whether it came; then it must be given back by leave
   */
  enter(timeoutMs: number): Promise<boolean>;
  leave(): void;
}

export function createLine(most: number): Line {
  const waiting = new Set<() => void>();
  let inside = 0;
  return {
    async enter(timeoutMs) {
      if (inside < most) {
        inside += 1;
        return true;
      }
      return new Promise((resolve) => {
        const turn = () => {
          clearTimeout(timer);
          resolve(true);
        };
        const timer = setTimeout(() => {
          waiting.delete(turn);
          resolve(false);
        }, timeoutMs);
        waiting.add(turn);
      });
    },
    leave() {
      const [turn] = waiting;
      if (!turn) {
        inside -= 1;
        return;
      }
      // The place is handed on.
      waiting.delete(turn);
      turn();
    },
  };
}
