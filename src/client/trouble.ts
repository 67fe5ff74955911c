import { checkServerIdentity, connect as connectTls, type TLSSocket } from 'node:tls';
import { type ClientTls, secureContext, withoutScheme } from './secure.js';

/** A handshake takes milliseconds; who is told why waits no longer. */
const LOOK_MS = 1_000;

/** What a client of HTTP/2 begins with: the preface, and no settings. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1');

/** The handshake was a good one. */
const SHAKEN = 'SHAKEN';

/** What Node and OpenSSL say, and what it means to whoever sets up a client. */
const PROBLEMS: readonly (readonly [RegExp, string])[] = [
  [
    /WRONG_VERSION_NUMBER|PACKET_LENGTH|RECORD_LAYER/,
    'it speaks without TLS: its address is without tls://',
  ],
  [
    /CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE/,
    'it asks for a certificate: set TOLLGATE_CLIENT_CERT_FILE and TOLLGATE_CLIENT_KEY_FILE',
  ],
  [
    /ALERT_UNKNOWN_CA|ALERT_BAD_CERTIFICATE|ALERT_CERTIFICATE|REFUSED_AFTERWARDS/,
    'it does not believe the certificate in TOLLGATE_CLIENT_CERT_FILE: it must be of the CA in the TOLLGATE_TLS_CLIENT_CA_FILE of the sidecar, and not have ended',
  ],
  [/CERT_HAS_EXPIRED/, 'its certificate has ended: renew it at the sidecar'],
  [/ALTNAME/, 'its certificate is for other names: use one of them, or add this one'],
  [/UNABLE_TO|SELF_SIGNED|CERT_/, 'its certificate is not of the CA in TOLLGATE_CLIENT_CA_FILE'],
];

/**
 * Why there is no connection to an address, where TLS is the reason: gRPC does not say it to a call that waits.
 * @returns undefined where it is something else
 */
export async function tlsTrouble(address: string, files: ClientTls): Promise<string | undefined> {
  const { target, secure } = withoutScheme(address);
  const [, host = '', port] = /^\[?([^\]]*)\]?:(\d+)$/.exec(target) ?? [];
  if (port === undefined) return undefined;
  const there = { host, port: Number(port), ALPNProtocols: ['h2'] };
  if (!secure) {
    // Whatever certificate it shows: nothing is sent there.
    const said = await firstOf(connectTls({ ...there, rejectUnauthorized: false }), undefined);
    return said === SHAKEN ? 'it speaks TLS: its address is tls://host:port' : undefined;
  }
  const socket = connectTls({
    ...there,
    secureContext: secureContext(files),
    checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate),
    ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
  });
  const said = await firstOf(socket, PREFACE);
  return PROBLEMS.find(([pattern]) => pattern.test(said))?.[1];
}

/** What becomes of a handshake: SHAKEN, or the code of the error. @param sent waits for an answer to this, too */
function firstOf(socket: TLSSocket, sent: Buffer | undefined): Promise<string> {
  return new Promise((resolve) => {
    let shaken = false;
    const done = (said: string) => {
      resolve(said);
      socket.destroy();
    };
    socket.setTimeout(LOOK_MS, () => done('TIMEOUT'));
    socket.once('secureConnect', () => {
      shaken = true;
      if (sent) socket.write(sent);
      else done(SHAKEN);
    });
    socket.once('data', () => done(SHAKEN));
    // With TLS 1.3 a server looks at the client's certificate when the client is through.
    socket.on('error', (error: Error & { code?: string }) =>
      done(shaken && error.code === 'ECONNRESET' ? 'REFUSED_AFTERWARDS' : `${error.code}`),
    );
    socket.once('close', () => done(shaken ? 'REFUSED_AFTERWARDS' : 'CLOSED'));
  });
}
