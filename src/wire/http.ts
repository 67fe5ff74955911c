import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { ListenAddress } from './listen.js';
import { createServer } from './node-http.js';

/** Who asks sends its few header lines at once. One that is connected and asks nothing is cut off then, too. */
const REQUEST_TIMEOUT_MS = 5_000;

/** How often it is looked whose time is up: Node's 30 s would be six times that time. */
const CHECK_MS = 1_000;

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
 * @param maxConnections past this something is wrong with whoever connects: the oldest that asks nothing is
 *   dropped for a new one, so that whoever only holds connections keeps no probe out
 * @throws if it cannot listen there
 */
export async function serveHttp(
  listen: ListenAddress,
  maxConnections: number,
  answer: (path: string, request: IncomingMessage) => HttpAnswer | Promise<HttpAnswer>,
): Promise<HttpServer> {
  const timing = { connectionsCheckingInterval: CHECK_MS, keepAliveTimeout: REQUEST_TIMEOUT_MS };
  const server = createServer(timing, async (request, response) => {
    const [path = ''] = (request.url ?? '').split('?');
    const reads = request.method === 'GET' || request.method === 'HEAD';
    const { code, body, type, headers } = reads
      ? await answer(path, request)
      : plain(405, 'only GET\n');
    response.writeHead(code, { ...headers, 'content-type': type });
    response.end(request.method === 'HEAD' ? undefined : body);
  });
  boundConnections(server, maxConnections);
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

/** Drops the oldest connection that asks nothing for one past the bound; the new one where all are asking. */
function boundConnections(server: Server, most: number): void {
  /** The oldest first, with how many requests are under way on each. */
  const connections = new Map<Socket, number>();
  const add = (socket: Socket, by: number) => {
    const asked = connections.get(socket);
    if (asked !== undefined) connections.set(socket, asked + by);
  };
  server.on('connection', (socket: Socket) => {
    if (connections.size >= most) {
      const [idle] = [...connections].find(([, asked]) => asked === 0) ?? [socket];
      idle.destroy();
      connections.delete(idle);
      if (idle === socket) return;
    }
    connections.set(socket, 0);
    socket.once('close', () => connections.delete(socket));
  });
  server.on('request', ({ socket }, response) => {
    add(socket, 1);
    response.once('close', () => add(socket, -1));
  });
}
