import type { IncomingMessage } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import type { Metrics } from '../telemetry/metrics.js';
import type { Scrape } from '../telemetry/scrapers.js';
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
  const pages: Record<string, (request: IncomingMessage) => HttpAnswer | Promise<HttpAnswer>> = {
    '/metrics': async (request) => {
      const scrape = metrics.scrapers.begin(scraperOf(request));
      const body = await render(metrics, scrape);
      return { code: 200, body, type: registry.contentType, lost: scrape.lost };
    },
    '/livez': () => plain(200, 'ok\n'),
    '/readyz': () => (ready() ? plain(200, 'ok\n') : plain(503, 'not ready\n')),
  };
  return serveHttp(
    listen,
    MAX_CONNECTIONS,
    (path, request) =>
      pages[path]?.(request) ?? plain(404, `here are ${Object.keys(pages).join(', ')}\n`),
  );
}

/** Not its port, which changes when it connects again. */
function scraperOf({ socket, headers }: IncomingMessage): string {
  return `${socket.remoteAddress} ${headers['user-agent']}`;
}

/** The text for Prometheus, family by family: a keeper beside a gate has so many series that calls would wait. */
async function render({ registry }: Metrics, scrape: Scrape): Promise<string> {
  const families: string[] = [];
  for (const { name } of registry.getMetricsAsArray()) {
    // It reads the series before it first waits, so that another scrape cannot come between.
    families.push(await scrape.as(() => registry.getSingleMetricAsString(name)));
    await setImmediate();
  }
  return `${families.join('\n\n')}\n`;
}
