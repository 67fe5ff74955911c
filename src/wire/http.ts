import type { IncomingMessage } from 'node:http';
import { type AddressInfo, createServer as createListener, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { BoundedSocket } from './bounded-socket.js';
import type { ListenAddress } from './listen.js';
import { createServer } from './node-http.js';

/** Who asks sends its few header lines at once. One that is connected and asks nothing is cut off then, too. */
const REQUEST_TIMEOUT_MS = 5_000;

/** How often it is looked whose time is up: Node's 30 s would be six times that time. */
const CHECK_MS = 1_000;

/** From its first byte until the answer is read: of an answer in milliseconds the rest is waiting for who asks. */
const CONNECTION_MS = 10_000;

/** A request line and its headers, with the cookies that a browser may have for this machine. */
const MAX_REQUEST_BYTES = 8_192;

const TEXT = 'text/plain; charset=utf-8';

/** An answer to one request. */
export interface HttpAnswer {
  readonly code: number;
  readonly body: string | Buffer;
  readonly type: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Called if it could not be sent to its end. */
  readonly lost?: () => void;
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
 * Listens, and answers one request on each connection.
 * @param answer is given the path without its query; it must not throw
 * @param maxConnections past this something is wrong with whoever connects: the oldest goes for a new one, before all
 *   one that asks nothing. An honest request is over in milliseconds, so nobody keeps a probe out for long
 * @throws if it cannot listen there
 */
export async function serveHttp(
  listen: ListenAddress,
  maxConnections: number,
  answer: (path: string, request: IncomingMessage) => HttpAnswer | Promise<HttpAnswer>,
): Promise<HttpServer> {
  const asking = new WeakSet<Duplex>();
  const server = createServer(
    { connectionsCheckingInterval: CHECK_MS },
    async (request, response) => {
      // A second request before the first is answered is of nobody who probes or scrapes.
      if (asking.has(request.socket)) {
        request.socket.destroy();
        return;
      }
      asking.add(request.socket);
      const [path = ''] = (request.url ?? '').split('?');
      const reads = request.method === 'GET' || request.method === 'HEAD';
      const { code, body, type, headers, lost } = reads
        ? await answer(path, request)
        : plain(405, 'only GET\n');
      response.once('close', () => {
        if (!response.writableFinished) lost?.();
      });
      if (response.destroyed) lost?.();
      response.writeHead(code, { ...headers, 'content-type': type, connection: 'close' });
      response.end(request.method === 'HEAD' ? undefined : body);
    },
  );
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.headersTimeout = REQUEST_TIMEOUT_MS;

  /** The oldest first. */
  const connections = new Set<BoundedSocket>();
  const drop = (connection: BoundedSocket) => {
    connections.delete(connection);
    connection.destroy();
  };
  const listener = createListener({ allowHalfOpen: true }, (socket: Socket) => {
    if (connections.size >= maxConnections) {
      const all = [...connections];
      const oldest = all.find((one) => !asking.has(one)) ?? all[0];
      if (oldest) drop(oldest);
    }
    const bounded = new BoundedSocket(socket, MAX_REQUEST_BYTES);
    const timer = setTimeout(() => bounded.destroy(), CONNECTION_MS);
    connections.add(bounded);
    bounded.once('close', () => {
      clearTimeout(timer);
      connections.delete(bounded);
    });
    server.emit('connection', bounded);
  });
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject);
    listener.listen('path' in listen ? { path: listen.path } : listen, resolve);
  });
  const bound = listener.address() as AddressInfo | string;
  return {
    address:
      typeof bound === 'string' || 'path' in listen
        ? listen
        : { host: listen.host, port: bound.port },
    close: () =>
      new Promise((done) => {
        listener.close(() => done());
        // Ends the looks of a server that has never listened.
        server.close();
        for (const connection of connections) connection.destroy();
      }),
  };
}
