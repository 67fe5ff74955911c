import { WINDOW_SLICES } from '../../store/keys.js';
import { leavesAtUs, type Slice, type WindowUse } from '../../store/packed-window.js';

/** How far back the pace is looked at. */
const PACE_US = 600e6;

/** Slices up to this length tell the pace of some minutes by themselves. */
const FINE_SLICE_US = 60e6;

/** Samples of a window with longer slices are so far apart at least: ten of them are kept. */
const SAMPLE_US = 60e6;

/** A pace over less time than this says nothing. */
const MIN_PACE_US = 30e6;

/** Use in fewer slices or samples than this is a call now and then: its pace is that of all the time. */
const MIN_STEPS = 3;

/** A sliding window, or the current period of a calendar, in microseconds. */
export type Cut =
  | { readonly sliceUs: number }
  | { readonly startUs: number; readonly endUs: number };

/** What the current slice had at a moment. */
interface Sample {
  readonly atUs: number;
  readonly sliceUs: number;
  readonly amount: number;
}

/** Remembers how fast windows fill whose slices are too long to tell. */
export class Paces {
  #samples = new Map<string, Sample[]>();

  /** @returns the pace at which the window is charged, in units a microsecond; 0 if that is not known, or it is not */
  look(key: string, use: WindowUse, cut: Cut, nowUs: number): number {
    if ('sliceUs' in cut && cut.sliceUs <= FINE_SLICE_US) return paceOfSlices(use, cut, nowUs);
    const startUs = 'sliceUs' in cut ? Math.floor(nowUs / cut.sliceUs) * cut.sliceUs : cut.startUs;
    const samples = (this.#samples.get(key) ?? []).filter(({ atUs }) => nowUs - atUs <= PACE_US);
    const oldest = beganAt(samples);
    const newest = samples.at(-1);
    if (!newest || nowUs - newest.atUs >= SAMPLE_US) {
      const amount = use.slices.find((slice) => slice.startUs === startUs)?.amount ?? 0;
      samples.push({ atUs: nowUs, sliceUs: startUs, amount });
    }
    this.#samples.set(key, samples);
    if (!oldest || nowUs - oldest.atUs < MIN_PACE_US) return 0;
    let charged = -oldest.amount;
    for (const slice of use.slices) if (slice.startUs >= oldest.sliceUs) charged += slice.amount;
    // The slice of the sample has left with its period.
    if (!('sliceUs' in cut) && oldest.sliceUs < cut.startUs) charged += oldest.amount;
    return Math.max(0, charged / (nowUs - oldest.atUs));
  }

  /** Forgets all windows but these. */
  keep(keys: ReadonlySet<string>): void {
    for (const key of this.#samples.keys()) if (!keys.has(key)) this.#samples.delete(key);
  }
}

/** The sample from which on a window was charged: the last before its use began, if it was used for some time. */
function beganAt(samples: readonly Sample[]): Sample | undefined {
  const grew = samples.flatMap((sample, i) => {
    const next = samples[i + 1];
    const same = !next || (next.sliceUs === sample.sliceUs && next.amount <= sample.amount);
    return same ? [] : [sample];
  });
  return grew.length < MIN_STEPS ? samples[0] : grew[0];
}

/** Of what was charged in the last minutes, from when its use began, if it was used for some time. */
function paceOfSlices({ slices }: WindowUse, { sliceUs }: { sliceUs: number }, nowUs: number) {
  const sinceUs = nowUs - Math.min(PACE_US, WINDOW_SLICES * sliceUs);
  const lately = slices.filter(({ startUs, amount }) => startUs >= sinceUs && amount > 0);
  const sum = (some: readonly Slice[]) => some.reduce((all, { amount }) => all + amount, 0);
  const [first, second] = lately;
  if (!first || !second || lately.length < MIN_STEPS) return sum(lately) / (nowUs - sinceUs);
  // Where in its slice the first use was is not known.
  return sum(lately.slice(1)) / Math.max(sliceUs, nowUs - second.startUs);
}

/**
 * When the window is full if it is charged on at a pace: what is in it leaves as its slices do, so one that
 * is charged as fast as it empties is never full.
 * @returns seconds; undefined if it will not be full
 */
export function exhaustionS(
  { used, slices }: WindowUse,
  limit: number,
  pace: number,
  cut: Cut,
  nowUs: number,
): number | undefined {
  if (pace <= 0) return undefined;
  if (used >= limit) return 0;
  if (!('sliceUs' in cut)) {
    const fullUs = (limit - used) / pace;
    return nowUs + fullUs < cut.endUs ? fullUs / 1e6 : undefined;
  }
  let left = 0;
  for (const { startUs, amount } of slices) {
    const fullUs = (limit - used + left) / pace;
    if (nowUs + fullUs <= leavesAtUs(startUs, cut.sliceUs)) return fullUs / 1e6;
    left += amount;
  }
  // All that is in it now has left; what comes from now on leaves a window later.
  const fullUs = (limit - used + left) / pace;
  return nowUs + fullUs < leavesAtUs(nowUs, cut.sliceUs) ? fullUs / 1e6 : undefined;
}
