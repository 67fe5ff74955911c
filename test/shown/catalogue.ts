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
  return found;
}
