import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NO_ACCESS, type RedisAccess } from '../../src/redis/access.js';
import type { RedisAddress } from '../../src/redis/address.js';
import { REDIS_ROLES, type RedisRole } from '../../src/redis/rights.js';
import { type CertificateAuthority, type CertificateFiles, makeAuthority } from './certificates.js';

/**
 * The suite also runs with TEST_REDIS=acl+tls: then each Redis of a test takes processes by TLS alone, with a
 * certificate of theirs, as the users of k8s/acl; only the test itself meddles by a plain port.
 */
export const SECURED: boolean = (() => {
  const asked = process.env['TEST_REDIS'] ?? '';
  if (asked !== '' && asked !== 'acl+tls') throw new Error(`TEST_REDIS must be acl+tls: ${asked}`);
  return asked !== '';
})();

/** Of the default user, which may do everything: the test's own. */
export const ADMIN_PASSWORD = 'of-the-test';

/** Of the users of k8s/acl. */
export const USER_PASSWORD = 'of-the-product';

const ACL_FOLDER = fileURLToPath(new URL('../../../k8s/acl/', import.meta.url));

/** Files of this process: certificates, the users, their password. */
export interface SecuredFiles extends CertificateFiles, CertificateAuthority {
  readonly acl: string;
  readonly password: string;
}

let made: SecuredFiles | undefined;

/** Made when they are first asked for, removed with the process. */
export function securedFiles(): SecuredFiles {
  if (made) return made;
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-secured-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const { ca, sign } = makeAuthority(folder, 'ca');
  const names = 'DNS:localhost,IP:127.0.0.1';
  const acl = join(folder, 'users.acl');
  const users = REDIS_ROLES.map(
    (role) => `${readFileSync(`${ACL_FOLDER}${role}.acl`, 'utf8').trimEnd()} >${USER_PASSWORD}\n`,
  );
  writeFileSync(acl, `user default on ~* &* +@all >${ADMIN_PASSWORD}\n${users.join('')}`);
  const password = join(folder, 'password');
  writeFileSync(password, `${USER_PASSWORD}\n`);
  made = { ca, sign, acl, password, ...sign({ name: 'both', names }) };
  return made;
}

/** How a redis-server is started so. */
export function securedOptions(tlsPort: number): string[] {
  const { ca, cert, key, acl } = securedFiles();
  return [
    ...['--tls-port', String(tlsPort), '--tls-cert-file', cert, '--tls-key-file', key],
    ...['--tls-ca-cert-file', ca, '--tls-auth-clients', 'yes', '--tls-replication', 'yes'],
    ...['--tls-cluster', 'yes', '--aclfile', acl, '--masterauth', ADMIN_PASSWORD],
  ];
}

/** How redis-cli gets in, as the test. */
export function redisCliOptions(): string[] {
  const { ca, cert, key } = securedFiles();
  return [
    ...['--tls', '--cacert', ca, '--cert', cert, '--key', key],
    ...['--no-auth-warning', '-a', ADMIN_PASSWORD],
  ];
}

/** The settings by which a process gets in, in a role; none for a Redis that is not such a one. */
export function accessSettings(
  role: RedisRole,
  redisUrl: string | undefined,
): Record<string, string> {
  if (!redisUrl || !/^rediss:\/\/[^@]*$/.test(redisUrl)) return {};
  const { ca, cert, key, password } = securedFiles();
  return {
    TOLLGATE_REDIS_USERNAME: `tollgate-${role}`,
    TOLLGATE_REDIS_PASSWORD_FILE: password,
    TOLLGATE_REDIS_CA_FILE: ca,
    TOLLGATE_REDIS_CERT_FILE: cert,
    TOLLGATE_REDIS_KEY_FILE: key,
  };
}

/** The same for a connection of this process. */
export function accessHere(
  role: RedisRole,
  address: RedisAddress,
): { address: RedisAddress; access: RedisAccess } {
  if (!address.tls) return { address, access: NO_ACCESS };
  const { ca: caFile, cert: certFile, key: keyFile, password: passwordFile } = securedFiles();
  return {
    address: { ...address, username: `tollgate-${role}` },
    access: { ...NO_ACCESS, passwordFile, caFile, certFile, keyFile },
  };
}
