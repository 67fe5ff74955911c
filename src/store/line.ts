/** How long a decision may take where nobody has set it: a call waits for it, and Redis answers in under one. */
export const DECISION_MS = 50;

/**
 * Scripts that may be at one Redis at once. Few enough that a healthy one answers the last of them
 * well within a decision's time (at 3,000 a second, in 43 ms), so that a script that takes longer is
 * Redis' doing; and enough for 25,000 decisions a second over a round trip of 5 ms.
 */
const MAX_SENT = 128;

/** Calls that may wait for their turn; past that they are turned away at once. */
const MAX_WAITING = 1_000;

/**
 * A Redis that owes an answer for a decision's whole time is at fault: so no caller can bring it about with a
 * short deadline of its own. A little less, since timers are coarse.
 */
const LATE_SHARE = 0.9;

/** A place at one Redis: taken before a script is sent, left when it is answered or lost. */
export class Line {
  readonly #lateMs: number;
  #tickets = 0;
  /** When each script that is not answered yet was sent; the oldest comes first. */
  readonly #sentMs = new Map<number, number>();
  readonly #waiting = new Set<(ticket: number | undefined) => void>();

  /** @param decisionMs how long a decision may take */
  constructor(decisionMs: number) {
    this.#lateMs = decisionMs * LATE_SHARE;
  }

  /** Does Redis owe an answer that a healthy one had given? */
  isLate(nowMs: number): boolean {
    const [oldestMs] = this.#sentMs.values();
    return oldestMs !== undefined && nowMs - oldestMs >= this.#lateMs;
  }

  /** A ticket for a place that is free now. */
  enter(nowMs: number): number | undefined {
    if (this.#sentMs.size >= MAX_SENT) return undefined;
    this.#tickets += 1;
    this.#sentMs.set(this.#tickets, nowMs);
    return this.#tickets;
  }

  /** A ticket as soon as a place is free; undefined after so long, or where too many wait already. */
  wait(forMs: number): Promise<number | undefined> {
    if (this.#waiting.size >= MAX_WAITING) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const turn = (ticket: number | undefined) => {
        clearTimeout(timer);
        this.#waiting.delete(turn);
        resolve(ticket);
      };
      const timer = setTimeout(turn, forMs, undefined);
      this.#waiting.add(turn);
    });
  }

  /** The script with this ticket is answered, or lost: the place goes to whoever waits longest. */
  leave(ticket: number, nowMs: number): void {
    this.#sentMs.delete(ticket);
    const [next] = this.#waiting;
    next?.(this.enter(nowMs));
  }
}
