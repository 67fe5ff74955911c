/** What is to happen, the earliest first; of the same moment, in the order in which it was added. */
export interface Queue<T> {
  add(item: T): void;
  /** The earliest if it is before `end`, in the unit of the items' times; it leaves the queue. */
  takeBefore(end: number): T | undefined;
}

/** A binary heap. @param timeOf when an item happens: the same as long as it is in the queue */
export function createQueue<T>(timeOf: (item: T) => number): Queue<T> {
  const heap: { item: T; order: number }[] = [];
  let added = 0;

  function isBefore(a: number, b: number): boolean {
    const [left, right] = [heap[a], heap[b]];
    if (!left || !right) return left !== undefined;
    const later = timeOf(left.item) - timeOf(right.item);
    return later < 0 || (later === 0 && left.order < right.order);
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
    takeBefore(end) {
      const top = heap[0]?.item;
      if (top === undefined || timeOf(top) >= end) return undefined;
      swap(0, heap.length - 1);
      heap.pop();
      sink();
      return top;
    },
  };
}
