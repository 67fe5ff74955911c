import { constants } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import type { Certificates } from './certificates.js';
import type { ListenAddress } from './listen.js';
import type { Reason } from './refused-connections.js';
import { handshakeProblem } from './tls-problem.js';

/** A handshake is three messages, over a network that answers Redis within a decision's 50 ms. */
const HANDSHAKE_MS = 5_000;

/** Handshakes at once, each some 50 KB: whoever begins them and leaves them there keeps nobody else out. */
const MAX_HANDSHAKES = 256;

/** A socket that takes connections for gRPC. */
export interface Listener {
  /** The port is the real one if 0 was asked. */
  readonly address: ListenAddress;
  /** What new connections are shown from now on. */
  show(certificates: Certificates): void;
  /** Takes no new connections. */
  close(): void;
}

export interface ListenerOptions {
  readonly listen: ListenAddress;
  /** undefined speaks plainly. */
  readonly certificates: Certificates | undefined;
  /** Gets each connection that may speak gRPC. */
  readonly take: (socket: Socket) => void;
  /** Told of each that may not. */
  readonly refused: (reason: Reason, from: string | undefined, why?: string) => void;
}

/** Listens. @throws if it cannot listen there */
export async function startListener(options: ListenerOptions): Promise<Listener> {
  const { listen, certificates, take, refused } = options;
  const tls = certificates && createHandshakes(certificates, take, refused);
  const server = createServer((socket) => {
    // Without a listener, a connection that is reset ends the process.
    socket.on('error', () => {});
    if (tls) tls.shake(socket);
    else take(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen('path' in listen ? { path: listen.path } : listen, resolve);
  });
  const bound = server.address();
  return {
    address:
      'path' in listen || typeof bound === 'string' || !bound
        ? listen
        : { host: listen.host, port: bound.port },
    show: (next) => tls?.show(next),
    close() {
      server.close();
      tls?.close();
    },
  };
}

/** The TLS of a listener. Its limits are those of whom nobody knows yet. */
function createHandshakes(
  first: Certificates,
  take: (socket: TLSSocket) => void,
  refused: ListenerOptions['refused'],
) {
  /** The oldest first, by where they come from. */
  const shaking = new Map<string, Socket>();
  const server = createTlsServer({
    ...contextOf(first),
    ALPNProtocols: ['h2'],
    handshakeTimeout: HANDSHAKE_MS,
    requestCert: first.clientCa !== undefined,
    rejectUnauthorized: first.clientCa !== undefined,
  });
  server.on('secureConnection', (socket) => {
    shaking.delete(peerOf(socket));
    socket.on('error', () => {});
    if (socket.alpnProtocol === 'h2') {
      take(socket);
      return;
    }
    refused('handshake', socket.remoteAddress, 'it does not ask for HTTP/2');
    socket.destroy();
  });
  server.on('tlsClientError', (error, socket) => {
    const { reason, why } = handshakeProblem(error, socket.authorizationError);
    refused(reason, socket.remoteAddress, why);
    socket.destroy();
  });
  return {
    shake(socket: Socket) {
      const [oldest] = shaking;
      if (shaking.size >= MAX_HANDSHAKES && oldest) {
        refused('crowded', oldest[1].remoteAddress);
        shaking.delete(oldest[0]);
        oldest[1].destroy();
      }
      const peer = peerOf(socket);
      shaking.set(peer, socket);
      socket.once('close', () => {
        if (shaking.get(peer) === socket) shaking.delete(peer);
      });
      server.emit('connection', socket);
    },
    show(next: Certificates) {
      server.setSecureContext(contextOf(next));
    },
    close() {
      for (const socket of shaking.values()) socket.destroy();
    },
  };
}

/**
 * No session is resumed: a resumption asks for no certificate, so whose has ended, or whose CA was taken away, would get in
 * for as long as it comes back. Without tickets a session is a name, and Node keeps nothing behind it: nobody listens for them here.
 */
function contextOf({ cert, key, clientCa }: Certificates) {
  return {
    ...{ cert, key, secureOptions: constants.SSL_OP_NO_TICKET },
    ...(clientCa && { ca: clientCa }),
  };
}

/** Of two connections to one port that are open, no two are the same. */
function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
