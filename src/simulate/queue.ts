import type { PastEvent } from './events.js';

interface Place {
  readonly event: PastEvent;
  /** Of equal times, what was pushed first comes first. */
  readonly order: number;
}

/** Events by their time: a binary heap, since each denied entry puts its next call back. */
export class EventQueue {
  readonly #heap: Place[] = [];
  #pushed = 0;

  push(event: PastEvent): void {
    this.#pushed += 1;
    const heap = this.#heap;
    heap.push({ event, order: this.#pushed });
    for (let at = heap.length - 1; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!this.#swapIfBefore(at, parent)) return;
      at = parent;
    }
  }

  peek(): PastEvent | undefined {
    return this.#heap[0]?.event;
  }

  pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    heap[0] = last;
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      const child = left + 1 < heap.length && this.#isBefore(left + 1, left) ? left + 1 : left;
      if (child >= heap.length || !this.#swapIfBefore(child, at)) return;
      at = child;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const [one, other] = [this.#heap[a], this.#heap[b]];
    if (!one || !other) return false;
    return (
      one.event.atUs < other.event.atUs ||
      (one.event.atUs === other.event.atUs && one.order < other.order)
    );
  }

  #swapIfBefore(a: number, b: number): boolean {
    const [one, other] = [this.#heap[a], this.#heap[b]];
    if (!one || !other || !this.#isBefore(a, b)) return false;
    this.#heap[a] = other;
    this.#heap[b] = one;
    return true;
  }
}
