import type { Registry } from 'prom-client';
import { type Exposed, expose } from './exposed.js';
import { type Family, keptNames, keyOf, type Labels, otherLabels, ownLabels } from './series.js';

/** One value of a family of gauges. */
export interface GaugeRow<L extends string> {
  readonly labels: Labels<L>;
  readonly value: number;
  /** What it is ranked by where not all have a series; default: the value. */
  readonly rank?: number;
}

/** Gauges of one family, told apart by labels, which are all replaced at once. */
export interface GaugeSeries<L extends string> {
  /** The rows are all there is from now on; past the bound the highest stay. */
  set(rows: readonly GaugeRow<L>[]): void;
}

/**
 * What becomes of the rows past the bound: of what can be added up, the sum, under the labels of the others;
 * ratios and times are dropped. Either is counted at each `set`.
 */
export type Rest = 'sum' | 'drop';

export function createGaugeSeries<L extends string>(
  registry: Registry,
  family: Family<L>,
  rest: Rest,
): GaugeSeries<L> {
  const { labelNames, maxSeries, overflow } = family;
  const kept = keptNames(labelNames);
  let shown = new Map<string, Exposed<L>>();

  expose(registry, family, 'gauge', () => [...shown.values()]);

  /** What stays keeps its labels, and so their text. */
  function show(rows: readonly GaugeRow<L>[]): void {
    const before = shown;
    shown = new Map();
    for (const { labels, value } of rows) {
      const key = keyOf(labelNames, labels);
      const own = before.get(key)?.labels ?? ownLabels(labelNames, labels);
      shown.set(key, { labels: own, value });
    }
  }

  return {
    set(rows) {
      if (rows.length <= maxSeries) {
        show(rows);
        return;
      }
      const ranked = rows.toSorted((a, b) => (b.rank ?? b.value) - (a.rank ?? a.value));
      // Each value of the kept labels may need a series for the others.
      const rests = rest === 'drop' ? 0 : new Set(rows.map((r) => keyOf(kept, r.labels))).size;
      const room = Math.max(0, maxSeries - rests);
      const past = ranked.splice(room);
      show(rest === 'drop' ? ranked : [...ranked, ...summedUp(labelNames, past)]);
      overflow(past.length);
    },
  };
}

/** One row for all that have the same kept labels. */
function summedUp<L extends string>(
  names: readonly L[],
  rows: readonly GaugeRow<L>[],
): GaugeRow<L>[] {
  const sums = new Map<string, { labels: Labels<L>; value: number }>();
  for (const { labels, value } of rows) {
    const others = otherLabels(names, labels);
    const key = keyOf(names, others);
    const sum = sums.get(key) ?? { labels: others, value: 0 };
    sum.value += value;
    sums.set(key, sum);
  }
  return [...sums.values()];
}
