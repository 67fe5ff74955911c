import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { createSecureContext, createServer } from 'node:tls';
import type { CertificateFiles } from './certificates.js';

/** A TLS endpoint before a Redis that has none: as a cloud or a mesh offers it. */
export interface TlsEndpoint {
  readonly port: number;
  /** The names that clients have asked for (SNI); false for none. */
  readonly asked: Set<string | false | null>;
  close(): void;
}

/**
 * @param fallback is shown to clients that ask for no name
 * @param byName is shown to those that ask for one of these
 */
export async function startTlsEndpoint(
  targetPort: number,
  fallback: CertificateFiles,
  byName: Readonly<Record<string, CertificateFiles>>,
): Promise<TlsEndpoint> {
  const pem = ({ cert, key }: CertificateFiles) => ({
    cert: readFileSync(cert),
    key: readFileSync(key),
  });
  const asked = new Set<string | false | null>();
  const sockets = new Set<Socket>();
  const server = createServer(
    {
      ...pem(fallback),
      SNICallback(name, done) {
        const files = byName[name];
        done(null, files && createSecureContext(pem(files)));
      },
    },
    (downstream) => {
      asked.add(downstream.servername);
      const upstream = connect(targetPort, '127.0.0.1');
      for (const socket of [downstream, upstream]) {
        sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => {
          downstream.destroy();
          upstream.destroy();
        });
      }
      downstream.pipe(upstream).pipe(downstream);
    },
  );
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    asked,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
