import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Why tests with certificates cannot run here; false if they can. In CI nothing is skipped. */
export const NO_OPENSSL: string | false = (() => {
  try {
    execFileSync('openssl', ['version']);
    return false;
  } catch {
    if (process.env['CI']) throw new Error('openssl is missing, and CI skips nothing');
    return 'openssl is not installed (apt-get install openssl)';
  }
})();

/** A certificate and its key, as files of PEM. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** What a CA signs: a server's certificate by its names, a client's by none. */
export interface CertificateOptions {
  /** Names of the file, and the subject. */
  readonly name: string;
  /** Alternative names, as openssl writes them: `DNS:localhost,IP:127.0.0.1`. */
  readonly names?: string;
  /** Default: 2 days. One of 0 days has ended before anyone reads it. */
  readonly days?: number;
}

/** A CA of a test's own, which signs as many more as the test wants. */
export interface CertificateAuthority {
  /** Its certificate: a file of PEM. */
  readonly ca: string;
  sign(options: CertificateOptions): CertificateFiles;
}

/** What most tests of TLS need; the files are in `folder`. */
export interface Certificates extends CertificateAuthority {
  /** For localhost and the loopback addresses. */
  readonly server: CertificateFiles;
  /** For a name that nothing on this machine has: redis.test. */
  readonly named: CertificateFiles;
  readonly client: CertificateFiles;
  /** For localhost too, but over. */
  readonly expired: CertificateFiles;
  /** A CA that signed none of the above, and a client of it. */
  readonly other: { readonly ca: string; readonly client: CertificateFiles };
}

const LOOPBACK = 'DNS:localhost,IP:127.0.0.1,IP:::1';

/** @param folder an existing folder of the test's own */
export function makeCertificates(folder: string): Certificates {
  const authority = makeAuthority(folder, 'ca');
  const other = makeAuthority(folder, 'other-ca');
  return {
    ...authority,
    server: authority.sign({ name: 'server', names: LOOPBACK }),
    named: authority.sign({ name: 'named', names: 'DNS:redis.test' }),
    client: authority.sign({ name: 'client' }),
    expired: authority.sign({ name: 'expired', names: LOOPBACK, days: 0 }),
    other: { ca: other.ca, client: other.sign({ name: 'other-client' }) },
  };
}

/** A CA and its key in `folder`, of the given name. */
export function makeAuthority(folder: string, name: string): CertificateAuthority {
  mkdirSync(folder, { recursive: true });
  const [ca, caKey] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
  openssl(
    ...['req', '-x509', ...NEW_KEY, '-keyout', caKey, '-out', ca, '-days', '2'],
    ...['-subj', `/CN=${name}`],
  );
  return {
    ca,
    sign({ name: subject, names, days = 2 }) {
      const files = { cert: join(folder, `${subject}.crt`), key: join(folder, `${subject}.key`) };
      const [request, extensions] = [join(folder, 'request.pem'), join(folder, 'extensions.cnf')];
      openssl('req', ...NEW_KEY, '-keyout', files.key, '-out', request, '-subj', `/CN=${subject}`);
      const subjects = names === undefined ? '' : `subjectAltName=${names}\n`;
      writeFileSync(extensions, `basicConstraints=CA:FALSE\n${subjects}`);
      openssl(
        ...['x509', '-req', '-in', request, '-CA', ca, '-CAkey', caKey, '-CAcreateserial'],
        ...['-out', files.cert, '-days', String(days), '-extfile', extensions],
      );
      return files;
    },
  };
}

/** Elliptic: made in a few milliseconds, where RSA takes up to a second. */
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: 'ignore' });
}
