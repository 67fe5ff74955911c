import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ListenAddress } from './listen.js';

/** Who asks sends its few header lines at once. */
const REQUEST_TIMEOUT_MS = 5_000;

const TEXT = 'text/plain; charset=utf-8';

/** An answer to one request. */
export interface HttpAnswer {
  readonly code: number;
  readonly body: string | Buffer;
  readonly type: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A server that only answers: GET and HEAD, no bodies. */
export interface HttpServer {
  readonly address: ListenAddress;
  close(): Promise<void>;
}

/** An answer of plain text. */
export function plain(code: number, body: string): HttpAnswer {
  return { code, body, type: TEXT };
}

/**
 * Listens, and answers.
 * @param answer is given the path without its query; it must not throw
 * @param maxConnections past this something is wrong with whoever connects
 * @throws if it cannot listen there
 */
export async function serveHttp(
  listen: ListenAddress,
  maxConnections: number,
  answer: (path: string, request: IncomingMessage) => HttpAnswer | Promise<HttpAnswer>,
): Promise<HttpServer> {
  const server = createServer(async (request, response) => {
    const [path = ''] = (request.url ?? '').split('?');
    const reads = request.method === 'GET' || request.method === 'HEAD';
    const { code, body, type, headers } = reads
      ? await answer(path, request)
      : plain(405, 'only GET\n');
    response.writeHead(code, { ...headers, 'content-type': type });
    response.end(request.method === 'HEAD' ? undefined : body);
  });
  server.maxConnections = maxConnections;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.headersTimeout = REQUEST_TIMEOUT_MS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen('path' in listen ? { path: listen.path } : listen, resolve);
  });
  const bound = server.address() as AddressInfo | string;
  return {
    address:
      typeof bound === 'string' || 'path' in listen
        ? listen
        : { host: listen.host, port: bound.port },
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}
