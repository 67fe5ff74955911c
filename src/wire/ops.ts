import { setImmediate } from 'node:timers/promises';
import type { Metrics } from '../telemetry/metrics.js';
import { type HttpAnswer, type HttpServer, plain, serveHttp } from './http.js';
import type { ListenAddress } from './listen.js';

/** Probes and scrapes, no more. */
const MAX_CONNECTIONS = 64;

/**
 * Serves /metrics, /livez and /readyz, for Kubernetes and Prometheus.
 * @param ready policy loaded and API listening. Redis never decides it: a sidecar's readiness is its
 *   pod's, and maintenance of Redis must not take the agents out of service.
 */
export function startOps(
  listen: ListenAddress,
  metrics: Metrics,
  ready: () => boolean,
): Promise<HttpServer> {
  const { registry } = metrics;
  const pages: Record<string, () => HttpAnswer | Promise<HttpAnswer>> = {
    '/metrics': async () => ({
      code: 200,
      body: await scrape(metrics),
      type: registry.contentType,
    }),
    '/livez': () => plain(200, 'ok\n'),
    '/readyz': () => (ready() ? plain(200, 'ok\n') : plain(503, 'not ready\n')),
  };
  return serveHttp(
    listen,
    MAX_CONNECTIONS,
    (path) => pages[path]?.() ?? plain(404, `here are ${Object.keys(pages).join(', ')}\n`),
  );
}

/** The text for Prometheus, family by family: a keeper beside a gate has so many series that calls would wait. */
async function scrape({ registry }: Metrics): Promise<string> {
  const families: string[] = [];
  for (const { name } of registry.getMetricsAsArray()) {
    families.push(await registry.getSingleMetricAsString(name));
    await setImmediate();
  }
  return `${families.join('\n\n')}\n`;
}
