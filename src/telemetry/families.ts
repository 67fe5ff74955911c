import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { type CounterSeries, createCounterSeries } from './counter-series.js';
import { createGaugeSeries, type GaugeSeries, type Rest } from './gauge-series.js';
import type { Scrapers } from './scrapers.js';
import { type Family, isBounded } from './series.js';

/** From below one Redis round trip to well past the 50 ms deadline. */
const DURATION_BUCKETS_S = [
  0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.05, 0.075, 0.15, 0.5,
];

/** Even around 1, and to ten times either way. */
const RATIO_BUCKETS = [0.1, 0.25, 0.5, 0.8, 0.95, 1, 1.05, 1.25, 2, 4, 10];

/** Sums are kept in whole nano-dollars and shown in USD. */
const NANO_PER_USD = 1e9;

/** The ways in which the catalogue declares a family; each puts it into one registry. */
export interface Families {
  /** One counter, 0 from the start. */
  counter(name: string, help: string): Counter;
  /** Counters told apart by labels, bounded. */
  counters<L extends string>(name: string, help: string, labels: readonly L[]): CounterSeries<L>;
  /** The same for money: told in nano-dollars, shown in USD. */
  usd<L extends string>(name: string, help: string, labels: readonly L[]): CounterSeries<L>;
  /** One gauge. */
  gauge(name: string, help: string): Gauge;
  /** Gauges told apart by labels, bounded, all replaced at once. */
  gauges<L extends string>(
    name: string,
    help: string,
    labels: readonly L[],
    rest: Rest,
  ): GaugeSeries<L>;
  durations<L extends string>(name: string, help: string, labels?: readonly L[]): Histogram<L>;
  ratios(name: string, help: string): Histogram;
}

/**
 * @param maxSeries of each family whose labels come from agents
 * @param overflow told the family, and how often something found no series of its own
 */
export function createFamilies(
  registry: Registry,
  maxSeries: number,
  overflow: (family: string, times: number) => void,
  scrapers: Scrapers,
): Families {
  const registers = [registry];
  function family<L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
  ): Family<L> {
    // Known at 0 from the start, so that its first increase is seen.
    if (isBounded(labelNames)) overflow(name, 0);
    return { name, help, labelNames, maxSeries, overflow: (times) => overflow(name, times) };
  }
  const histogram = <L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    buckets: number[],
  ) => new Histogram({ name, help, labelNames, registers, buckets });
  return {
    counter: (name, help) => new Counter({ name, help, registers }),
    counters: (name, help, labels) =>
      createCounterSeries(registry, family(name, help, labels), 1, scrapers),
    usd: (name, help, labels) =>
      createCounterSeries(registry, family(name, help, labels), NANO_PER_USD, scrapers),
    gauge: (name, help) => new Gauge({ name, help, registers }),
    gauges: (name, help, labels, rest) =>
      createGaugeSeries(registry, family(name, help, labels), rest),
    durations: (name, help, labels = []) => histogram(name, help, labels, DURATION_BUCKETS_S),
    ratios: (name, help) => histogram(name, help, [], RATIO_BUCKETS),
  };
}
