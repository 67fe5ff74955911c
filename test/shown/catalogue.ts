import { createMetrics } from '../../src/telemetry/metrics.js';

/** Every metric by its name, and its labels. */
export type Catalogue = ReadonlyMap<string, ReadonlySet<string>>;

/** What Prometheus adds to each series that it scrapes, and what a histogram has. */
const EVERYWHERE = ['instance', 'job', 'le'];

/** The suffixes of a histogram's series. */
const OF_HISTOGRAM = ['_bucket', '_sum', '_count'];

/** All metrics of the sidecar, those of its process included. */
export function catalogue(): Catalogue {
  const found = new Map<string, Set<string>>();
  for (const metric of createMetrics().registry.getMetricsAsArray()) {
    // prom-client's types say nothing of these, which every one of its metrics has.
    const { name, labelNames, type } = metric as unknown as {
      name: string;
      labelNames: readonly string[];
      type: string;
    };
    const labels = new Set([...labelNames, ...EVERYWHERE]);
    for (const suffix of type === 'histogram' ? OF_HISTOGRAM : ['']) {
      found.set(name + suffix, labels);
    }
  }
  for (const [name, labels] of NOT_YET) {
    if (!found.has(name)) found.set(name, new Set([...labels, ...EVERYWHERE]));
  }
  return found;
}

const AGENT = ['agent', 'team'];
const SPEND = [...AGENT, 'cost_centre', 'tool', 'model'];
const WINDOW = [...AGENT, 'rule', 'partition', 'metric'];

/** Metrics of the keeper that no code writes yet; a test fails as soon as code does. */
export const NOT_YET: readonly (readonly [name: string, labels: readonly string[]])[] = [
  ['tollgate_window_used', WINDOW],
  ['tollgate_window_limit', WINDOW],
  ['tollgate_window_used_ratio', WINDOW],
  ['tollgate_window_exhaustion_seconds', WINDOW],
  ['tollgate_spend_today_usd', SPEND],
  ['tollgate_spend_month_usd', SPEND],
  ['tollgate_spend_expected_usd', AGENT],
  ['tollgate_spend_normal_day_usd', AGENT],
  ['tollgate_spend_unusual_ratio', AGENT],
  ['tollgate_unsettled_today_usd', AGENT],
  ['tollgate_denied_today_usd', AGENT],
  ['tollgate_denied_today_calls', AGENT],
  ['tollgate_halted', [...AGENT, 'rule']],
  ['tollgate_gates', []],
  ['tollgate_gate_policies', []],
  ['tollgate_alerts_sent_total', ['route', 'event']],
  ['tollgate_alerts_failed_total', ['route']],
  ['tollgate_alerts_waiting', []],
  ['tollgate_fleet_age_seconds', []],
];
