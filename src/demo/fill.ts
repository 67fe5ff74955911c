import type { Entry } from '../model/entry.js';

/** Entries in one batch: some megabytes. */
const BATCH = 5_000;

/** Gives entries to a store, a batch at a time; how many it took. */
export async function fillStore(
  entries: Iterable<Entry>,
  take: (batch: readonly Entry[]) => Promise<{ taken: number; skipped: number }>,
  onBatch: (taken: number, untilMs: number) => void,
): Promise<number> {
  let taken = 0;
  let batch: Entry[] = [];
  const give = async () => {
    const last = batch.at(-1);
    if (!last) return;
    taken += (await take(batch)).taken;
    onBatch(taken, last.atMs);
    batch = [];
  };
  for (const entry of entries) {
    batch.push(entry);
    if (batch.length === BATCH) await give();
  }
  await give();
  return taken;
}
