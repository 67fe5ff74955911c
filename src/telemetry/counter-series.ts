import { Counter, type Registry } from 'prom-client';
import {
  type Family,
  isBounded,
  keptNames,
  keyOf,
  type Labels,
  otherLabels,
  ownLabels,
} from './series.js';

/** Counters of one family, told apart by labels, of which there is a bounded number. */
export interface CounterSeries<L extends string> {
  /** @param by not negative, in the grain of the family; 0 makes the series known */
  inc(labels: Labels<L>, by?: number): void;
}

interface Series<L extends string> {
  readonly labels: Labels<L>;
  sum: number;
  scraped: boolean;
}

/**
 * A series shows 0 at its first scrape and its value from the second on: a counter that appears with a value
 * has no increase yet for Prometheus, so the first spend of each agent would be in no sum.
 * It costs a join of the labels and a look into a map for each decision, where prom-client sorts and checks.
 * @param grains how many of what it counts make one unit, so that money is summed up in whole nano-dollars
 */
export function createCounterSeries<L extends string>(
  registry: Registry,
  family: Family<L>,
  grains = 1,
): CounterSeries<L> {
  const { name, help, labelNames, maxSeries, overflow } = family;
  const kept = keptNames(labelNames);
  const bounded = isBounded(labelNames);
  const series = new Map<string, Series<L>>();
  /** The values of the kept labels: each may need a series for the others. */
  const rests = new Set<string>();
  let named = 0;

  new Counter({
    ...{ name, help, labelNames, registers: [registry] },
    collect() {
      this.reset();
      for (const one of series.values()) {
        this.inc(one.labels, one.scraped ? one.sum / grains : 0);
        one.scraped = true;
      }
    },
  });

  function bear(key: string, labels: Labels<L>): Series<L> {
    const born = { labels: ownLabels(labelNames, labels), sum: 0, scraped: false };
    series.set(key, born);
    return born;
  }

  /** A series of its own while there is room for it, and for those of the others. */
  function find(labels: Labels<L>, by: number): Series<L> {
    const key = keyOf(labelNames, labels);
    const known = series.get(key);
    if (known) return known;
    rests.add(keyOf(kept, labels));
    if (!bounded || named + rests.size < maxSeries) {
      named += 1;
      return bear(key, labels);
    }
    if (by > 0) overflow(1);
    const others = otherLabels(labelNames, labels);
    const otherKey = keyOf(labelNames, others);
    return series.get(otherKey) ?? bear(otherKey, others);
  }

  return {
    inc(labels, by = 1) {
      find(labels, by).sum += by;
    },
  };
}
