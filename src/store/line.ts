/**
 * Scripts that may wait for a reply at once in one domain. A frozen Redis answers none of them, and
 * past this they would only cost memory.
 */
const MAX_WAITING = 1_000;

/**
 * A Redis that has answered nothing for this long, while something waited, is at fault: as long as a
 * decision may take, so that no caller can bring it about with a short deadline of its own.
 */
const SILENCE_MS = 50;

/** What waits for one Redis, and how long it has been silent. */
export class Line {
  #waiting = 0;
  /** Since when it owes an answer: the later of its last one and the first that waits. */
  #owingSinceMs = 0;

  isFull(): boolean {
    return this.#waiting >= MAX_WAITING;
  }

  isSilent(nowMs: number): boolean {
    return this.#waiting > 0 && nowMs - this.#owingSinceMs >= SILENCE_MS - 1;
  }

  sent(nowMs: number): void {
    if (this.#waiting === 0) this.#owingSinceMs = nowMs;
    this.#waiting += 1;
  }

  answered(nowMs: number): void {
    this.#waiting -= 1;
    this.#owingSinceMs = nowMs;
  }
}
