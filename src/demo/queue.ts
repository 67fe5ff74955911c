/** Something that happens at a time. */
interface Timed {
  readonly atMs: number;
}

/** What is to happen, the earliest first; of the same moment, in the order in which it was added. */
export interface Queue<T extends Timed> {
  add(item: T): void;
  /** The earliest if it is before `endMs`; it leaves the queue. */
  takeBefore(endMs: number): T | undefined;
}

/** A binary heap. */
export function createQueue<T extends Timed>(): Queue<T> {
  const heap: { item: T; order: number }[] = [];
  let added = 0;

  function isBefore(a: number, b: number): boolean {
    const [left, right] = [heap[a], heap[b]];
    if (!left || !right) return left !== undefined;
    return (
      left.item.atMs - right.item.atMs < 0 ||
      (left.item.atMs === right.item.atMs && left.order < right.order)
    );
  }

  function swap(a: number, b: number): void {
    const [left, right] = [heap[a], heap[b]];
    if (!left || !right) return;
    heap[a] = right;
    heap[b] = left;
  }

  function rise(from: number): void {
    for (let at = from; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!isBefore(at, parent)) return;
      swap(at, parent);
      at = parent;
    }
  }

  function sink(): void {
    for (let at = 0; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      const child = isBefore(right, left) ? right : left;
      if (child >= heap.length || !isBefore(child, at)) return;
      swap(at, child);
      at = child;
    }
  }

  return {
    add(item) {
      heap.push({ item, order: added });
      added += 1;
      rise(heap.length - 1);
    },
    takeBefore(endMs) {
      const top = heap[0]?.item;
      if (!top || top.atMs >= endMs) return undefined;
      swap(0, heap.length - 1);
      heap.pop();
      sink();
      return top;
    },
  };
}
