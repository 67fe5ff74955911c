import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import type { Metrics } from '../telemetry/metrics.js';
import type { ListenAddress } from './listen.js';

/** Probes and scrapes, no more: past this something is wrong with whoever connects. */
const MAX_CONNECTIONS = 64;

/** A probe or a scrape sends its few header lines at once. */
const REQUEST_TIMEOUT_MS = 5_000;

const TEXT = 'text/plain; charset=utf-8';

/** The HTTP server for Kubernetes and Prometheus. */
export interface Ops {
  readonly address: ListenAddress;
  close(): Promise<void>;
}

/**
 * Serves /metrics, /livez and /readyz.
 * @param ready policy loaded and API listening. Redis never decides it: a sidecar's readiness is its
 *   pod's, and maintenance of Redis must not take the agents out of service.
 */
export function startOps(
  listen: ListenAddress,
  metrics: Metrics,
  ready: () => boolean,
): Promise<Ops> {
  const pages: Record<string, () => Promise<[number, string, string]>> = {
    '/metrics': async () => [200, metrics.registry.contentType, await scrape(metrics)],
    '/livez': async () => [200, TEXT, 'ok\n'],
    '/readyz': async () => (ready() ? [200, TEXT, 'ok\n'] : [503, TEXT, 'not ready\n']),
  };
  const server = createServer(async (request, response) => {
    const page = pages[(request.url ?? '').split('?')[0] ?? ''];
    const [code, type, body] =
      request.method !== 'GET' && request.method !== 'HEAD'
        ? [405, TEXT, 'only GET\n']
        : page
          ? await page()
          : [404, TEXT, `here are ${Object.keys(pages).join(', ')}\n`];
    response.writeHead(code, { 'content-type': type });
    response.end(request.method === 'HEAD' ? undefined : body);
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.headersTimeout = REQUEST_TIMEOUT_MS;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen('path' in listen ? { path: listen.path } : listen, () => {
      const bound = server.address() as AddressInfo | string;
      resolve({
        address:
          typeof bound === 'string' || 'path' in listen
            ? listen
            : { host: listen.host, port: bound.port },
        close: () =>
          new Promise((done) => {
            server.close(() => done());
            server.closeAllConnections();
          }),
      });
    });
  });
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
