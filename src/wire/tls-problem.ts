import type { Reason } from './refused-connections.js';

/** What OpenSSL and Node say of a handshake that failed, and what that means to a gate. */
const PROBLEMS: readonly (readonly [RegExp, Reason, string])[] = [
  [
    /HTTP_REQUEST|WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|RECORD_LAYER|UNKNOWN_PROTOCOL/i,
    'plaintext',
    'it speaks without TLS: its address must be tls://host:port',
  ],
  [
    /PEER_DID_NOT_RETURN_A_CERTIFICATE/,
    'no_certificate',
    'it has no certificate: set TOLLGATE_CLIENT_CERT_FILE and TOLLGATE_CLIENT_KEY_FILE there',
  ],
  [/CERT_HAS_EXPIRED/, 'untrusted', 'its certificate has ended'],
  [
    /UNABLE_TO|SELF_SIGNED|CERT_|INVALID_PURPOSE|INVALID_CA/,
    'untrusted',
    'its certificate is not of the CA in TOLLGATE_TLS_CLIENT_CA_FILE',
  ],
  [
    /ALERT_UNKNOWN_CA|ALERT_(BAD_)?CERTIFICATE|ALERT_CERTIFICATE/,
    'handshake',
    'it does not trust the certificate of this gate: set TOLLGATE_CLIENT_CA_FILE there',
  ],
  [/HANDSHAKE_TIMEOUT/, 'slow', 'it did not end the handshake in time'],
];

/** Sorts a failed handshake. @param authorization what was wrong with the client's certificate, if that was it */
export function handshakeProblem(
  error: Error & { code?: string },
  authorization: unknown,
): { reason: Reason; why: string } {
  const said = `${authorization ?? ''} ${error.code ?? ''}`;
  const known = PROBLEMS.find(([pattern]) => pattern.test(said));
  return known ? { reason: known[1], why: known[2] } : { reason: 'handshake', why: error.message };
}
