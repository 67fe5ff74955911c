import { WINDOW_SLICES } from './keys.js';

/** A window as lua/include/window.lua packs it, read without a script: what counts is decided here as there. */

const PAIR_BYTES = 16;
const NUMBER_BYTES = 8;
const HEAD_BYTES = 3;

/** What one slice holds, in the unit of the metric. */
export interface Slice {
  /** When it begins, µs since the epoch. */
  readonly startUs: number;
  readonly amount: number;
}

/** What counts of a window at a moment. */
export interface WindowUse {
  readonly used: number;
  /** Ascending. */
  readonly slices: readonly Slice[];
}

/** How a window cuts time: slices of a length, or the start of the current period of a calendar. */
export type SliceShape = { readonly sliceUs: number } | { readonly startUs: number };

const EMPTY: WindowUse = Object.freeze({ used: 0, slices: Object.freeze([]) });

/** When a slice that begins at `startUs` stops counting. */
export function leavesAtUs(startUs: number, sliceUs: number): number {
  return startUs + (WINDOW_SLICES + 1) * sliceUs;
}

/** @param packed undefined for a window in which nothing is */
export function readWindowUse(
  packed: Buffer | undefined,
  shape: SliceShape,
  nowUs: number,
): WindowUse {
  if (!packed || packed.length < HEAD_BYTES) return EMPTY;
  const [thresholds, more] = [packed.readUInt8(1), packed.readUInt8(2)];
  const first = HEAD_BYTES + thresholds * PAIR_BYTES + (1 + more) * NUMBER_BYTES;
  if (packed.length < first + PAIR_BYTES) return EMPTY;
  const sliding = 'sliceUs' in shape;
  // The clock may have stepped back: the current slice is the later of the two.
  const newest = packed.readDoubleLE(packed.length - PAIR_BYTES);
  const current = Math.max(sliding ? Math.floor(nowUs / shape.sliceUs) : shape.startUs, newest);
  const oldest = sliding ? current - WINDOW_SLICES : current;
  const slices: Slice[] = [];
  let used = 0;
  for (let at = first; at + PAIR_BYTES <= packed.length; at += PAIR_BYTES) {
    const slice = packed.readDoubleLE(at);
    const amount = packed.readDoubleLE(at + NUMBER_BYTES);
    if (slice < oldest) continue;
    slices.push({ startUs: sliding ? slice * shape.sliceUs : slice, amount });
    used += amount;
  }
  return { used, slices };
}
