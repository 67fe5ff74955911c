import type { Amounts } from '../model/amounts.js';
import type { DeniedEntry, Entry } from '../model/entry.js';
import { createQueue, type Queue } from '../model/queue.js';

/** One thing that happened to one call, or to what stands above the calls, when it happened. */
export interface PastEvent {
  /** Microseconds since the Unix epoch. */
  readonly atUs: number;
  readonly entry: Entry;
  /** Which of the calls of a denied entry this is; 0 for every other entry. */
  readonly nth: number;
}

/**
 * Denials are written up to a second after they were made, and later where Redis was slow: entries wait so
 * long for denials from before them.
 */
const REORDER_US = 5_000_000;

/**
 * What happened, in the order of time. Entries come in the order in which they were written; a denied one
 * stands for calls before it, which are spread evenly from the first to the last. The microsecond of an
 * admission is known from the end of its hold, which is whole seconds later.
 */
export async function* pastEvents(batches: AsyncIterable<Entry[]>): AsyncGenerator<PastEvent> {
  const queue = createQueue<PastEvent>(({ atUs }) => atUs);
  let writtenUs = 0;
  for await (const batch of batches) {
    for (const entry of batch) {
      // Never back: what was written later happened later, but for denials.
      writtenUs = Math.max(writtenUs, entryUs(entry));
      if (entry.kind !== 'denied') queue.add({ atUs: writtenUs, entry, nth: 0 });
      else if (entry.calls > 0) queue.add(denialOf(entry, 0));
    }
    yield* drain(queue, writtenUs - REORDER_US);
  }
  yield* drain(queue, Number.POSITIVE_INFINITY);
}

function* drain(queue: Queue<PastEvent>, endUs: number): Generator<PastEvent> {
  for (let next = queue.takeBefore(endUs); next; next = queue.takeBefore(endUs)) {
    const { entry, nth } = next;
    if (entry.kind === 'denied' && nth + 1 < entry.calls) queue.add(denialOf(entry, nth + 1));
    yield next;
  }
}

function entryUs(entry: Entry): number {
  const us = entry.atMs * 1000;
  return entry.kind === 'authorized' ? us + (entry.holdUntilUs % 1000) : us;
}

function denialOf(entry: DeniedEntry, nth: number): PastEvent {
  const { calls, firstUs, lastUs } = entry;
  const share = calls > 1 ? nth / (calls - 1) : 0;
  return { atUs: Math.floor(firstUs + (lastUs - firstUs) * share), entry, nth };
}

/** What all denials of an entry asked for, those of calls that had been denied before too. */
export function allAsked({ asked, askedAgain }: DeniedEntry): Amounts {
  return {
    costNano: asked.costNano + askedAgain.costNano,
    costSource: asked.costSource,
    tokensIn: asked.tokensIn + askedAgain.tokensIn,
    tokensOut: asked.tokensOut + askedAgain.tokensOut,
  };
}

/** What one of several calls asked for: an equal part, so that the parts add up to the sum. */
export function partOf(sums: Amounts, calls: number, nth: number): Amounts {
  const part = (sum: number) => Math.floor(sum / calls) + (nth < sum % calls ? 1 : 0);
  return {
    costNano: part(sums.costNano),
    costSource: sums.costSource,
    tokensIn: part(sums.tokensIn),
    tokensOut: part(sums.tokensOut),
  };
}
