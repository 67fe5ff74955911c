import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';

/** Where a gate's certificate is, and the CA of whom it takes calls from. */
export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  /** undefined asks no client for a certificate. */
  readonly clientCaFile: string | undefined;
}

/** What the files hold, checked. */
export interface Certificates {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly clientCa: Buffer | undefined;
  /** When the certificate ends, and the first of the client CAs to. */
  readonly endsAtMs: number;
  readonly clientCaEndsAtMs: number | undefined;
}

/**
 * How often the files are read. Read and not watched: Kubernetes swaps a symlink two levels up, and it takes up to
 * a minute to bring a Secret's change here anyway.
 */
const POLL_MS = 2_000;

/** What a file of PEM is made of. */
const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----(?:(?!-----)[\s\S])+-----END \1-----/g;

/** Beside whole blocks there may be text; this is the beginning of another. */
const CUT_OFF = /^-----B|^-{1,5}$(?![\s\S])/m;

/** Looks at the files. @returns what they hold, or a sentence that says what is wrong, without what is in them */
export function readCertificates(files: TlsFiles): Certificates | string {
  try {
    const cert = readFileSync(files.certFile);
    const key = readFileSync(files.keyFile);
    const clientCa =
      files.clientCaFile === undefined ? undefined : readFileSync(files.clientCaFile);
    const [endsAtMs] = endsOf(cert);
    if (endsAtMs === undefined) return `${files.certFile} holds no certificate in PEM`;
    const clientCaEndsAtMs = clientCa && Math.min(...endsOf(clientCa));
    if (clientCaEndsAtMs === Number.POSITIVE_INFINITY) {
      return `${files.clientCaFile} holds no certificate in PEM`;
    }
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) {
      return `${files.keyFile} is not the key of the certificate in ${files.certFile}`;
    }
    // Whatever else a server would find wrong with them, such as a key that is too short.
    createSecureContext({ cert, key, ca: clientCa });
    return { cert, key, clientCa, endsAtMs, clientCaEndsAtMs };
  } catch (error) {
    const names = [files.certFile, files.keyFile, files.clientCaFile].filter(Boolean).join(', ');
    return `${names}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/**
 * Looks at the files again and again.
 * @param onChange gets what they hold when that has changed, or why it cannot be used; once each
 */
export function followCertificates(
  files: TlsFiles,
  current: Certificates,
  onChange: (next: Certificates | string) => void,
): { close(): void } {
  let seen = fingerprint(current);
  let pending = '';
  const timer = setInterval(() => {
    const next = read();
    const found = fingerprint(next);
    if (found === seen) {
      pending = '';
      return;
    }
    // Certificate and key may be written one after the other: what is wrong is said if it stays so.
    if (typeof next === 'string' && found !== pending) {
      pending = found;
      return;
    }
    seen = found;
    pending = '';
    onChange(next);
  }, POLL_MS);
  timer.unref();

  function read(): Certificates | string {
    const next = readCertificates(files);
    if (typeof next === 'string' || next.endsAtMs > Date.now()) return next;
    return `the certificate in ${files.certFile} ended on ${new Date(next.endsAtMs).toISOString()}`;
  }
  return { close: () => clearInterval(timer) };
}

/** When each certificate of a file ends, in its order. @throws if one cannot be read, or is cut off */
function endsOf(pem: Buffer): number[] {
  const text = pem.toString('latin1');
  const wholes = text.match(BLOCK) ?? [];
  // Half of a file, while it is written: TLS would take what is whole of it, and not know the clients of the rest.
  if (CUT_OFF.test(text.replace(BLOCK, ''))) {
    throw new Error('a certificate is not whole: the file is cut off');
  }
  return wholes
    .filter((block) => block.startsWith('-----BEGIN CERTIFICATE-----'))
    .map((block) => Date.parse(new X509Certificate(block).validTo));
}

/** Tells one state of the files from another. */
function fingerprint(state: Certificates | string): string {
  if (typeof state === 'string') return state;
  return [state.cert, state.key, state.clientCa ?? ''].join('\n');
}
