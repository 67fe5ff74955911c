import type { Registry } from 'prom-client';
import { expose } from './exposed.js';
import type { Scrapers, Seen } from './scrapers.js';
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

interface Series<L extends string> extends Seen {
  readonly labels: Labels<L>;
  sum: number;
  /** When somebody first saw it. */
  shownMs: number;
}

/**
 * Whoever begins to scrape within this time after a series was first shown is taken for a second Prometheus of
 * the same start: they scrape each minute or faster.
 */
const TOGETHER_MS = 120_000;

/**
 * A series shows 0 to each scraper the first time and its value from then on: a counter that appears with a
 * value has no increase yet for Prometheus, so the first spend of each agent would be in no sum. A scraper that
 * comes when a series has long been there is shown its value at once: to a Prometheus that was moved, 0 would be
 * a counter that began again, and all of it would count twice.
 * It costs a join of the labels and a look into a map for each decision, where prom-client sorts and checks.
 * @param grains how many of what it counts make one unit, so that money is summed up in whole nano-dollars
 */
export function createCounterSeries<L extends string>(
  registry: Registry,
  family: Family<L>,
  grains: number,
  scrapers: Scrapers,
): CounterSeries<L> {
  const { labelNames, maxSeries, overflow } = family;
  const kept = keptNames(labelNames);
  const bounded = isBounded(labelNames);
  const series = new Map<string, Series<L>>();
  /** By the values of the kept labels: each may need a series for the others. */
  const rests = new Map<string, Series<L> | undefined>();
  let named = 0;

  function scrape(one: Series<L>) {
    const { bit, sinceMs } = scrapers.current();
    const nowMs = scrapers.nowMs();
    if (one.seenBy === 0) one.shownMs = nowMs;
    const isNew = (one.seenBy & bit) === 0;
    const appears = isNew && (sinceMs <= one.shownMs || nowMs - one.shownMs < TOGETHER_MS);
    if (isNew) scrapers.sees(one);
    return { labels: one.labels, value: appears ? 0 : one.sum / grains };
  }
  expose(registry, family, 'counter', () => [...series.values()].map(scrape));

  function bear(key: string, labels: Labels<L>): Series<L> {
    const born = { labels: ownLabels(labelNames, labels), sum: 0, seenBy: 0, shownMs: 0 };
    series.set(key, born);
    return born;
  }

  /** The series of those that have none of their own; an agent may be called like it. */
  function findOthers(labels: Labels<L>): Series<L> {
    const others = otherLabels(labelNames, labels);
    const key = keyOf(labelNames, others);
    return series.get(key) ?? bear(key, others);
  }

  /** A series of its own while there is room for it, and for those of the others. */
  function find(labels: Labels<L>, by: number): Series<L> {
    const key = keyOf(labelNames, labels);
    const known = series.get(key);
    if (known) return known;
    const rest = keyOf(kept, labels);
    if (!rests.has(rest)) rests.set(rest, undefined);
    if (!bounded || named + rests.size < maxSeries) {
      named += 1;
      return bear(key, labels);
    }
    if (by > 0) overflow(1);
    const others = rests.get(rest) ?? findOthers(labels);
    rests.set(rest, others);
    return others;
  }

  return {
    inc(labels, by = 1) {
      find(labels, by).sum += by;
    },
  };
}
