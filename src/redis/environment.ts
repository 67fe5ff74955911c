import { isIP } from 'node:net';
import { unreadable } from '../model/secret-path.js';
import type { RedisAccess } from './access.js';
import { parseRedisUrl, REDIS_MODES, type RedisAddress, type RedisMode } from './address.js';
import { isReadable } from './secret-file.js';
import { tlsFilesProblem } from './tls.js';

/** The files that let a connection in, by the variables that name them. */
const FILES = {
  passwordFile: 'TOLLGATE_REDIS_PASSWORD_FILE',
  sentinelPasswordFile: 'TOLLGATE_REDIS_SENTINEL_PASSWORD_FILE',
  caFile: 'TOLLGATE_REDIS_CA_FILE',
  certFile: 'TOLLGATE_REDIS_CERT_FILE',
  keyFile: 'TOLLGATE_REDIS_KEY_FILE',
} as const satisfies Partial<Record<keyof RedisAccess, string>>;

/** The variables that say where Redis is and how to get in. */
export type RedisVariable =
  | 'REDIS_URL'
  | 'TOLLGATE_REDIS_MODE'
  | 'TOLLGATE_REDIS_SENTINEL_MASTER'
  | 'TOLLGATE_REDIS_USERNAME'
  | 'TOLLGATE_REDIS_SERVER_NAME'
  | (typeof FILES)[keyof typeof FILES];

/** What the environment says of Redis. */
export interface RedisEnvironment {
  /** undefined: none is named. */
  readonly address: RedisAddress | undefined;
  readonly access: RedisAccess;
  /** Every variable that is wrong; none repeats a secret. */
  readonly problems: readonly string[];
}

/** @param value gives what a variable is set to, or its default */
export function readRedisEnvironment(value: (name: RedisVariable) => string): RedisEnvironment {
  const problems: string[] = [];
  const mode = readMode(value('TOLLGATE_REDIS_MODE'), problems);
  const named = Object.entries(FILES).map(
    ([key, variable]) => [key, value(variable) || undefined] as const,
  );
  const access = {
    ...(Object.fromEntries(named) as Record<keyof typeof FILES, string | undefined>),
    sentinelMaster: value('TOLLGATE_REDIS_SENTINEL_MASTER'),
    serverName: value('TOLLGATE_REDIS_SERVER_NAME'),
  };
  const unreadable = unreadableFiles(access);
  problems.push(...unreadable);
  const address = readAddress(value('REDIS_URL'), mode, value('TOLLGATE_REDIS_USERNAME'), problems);
  if (!address) return { address, access, problems };
  if (
    address.username !== undefined &&
    address.password === undefined &&
    access.passwordFile === undefined
  ) {
    problems.push(
      'a user of Redis is named without a password: set TOLLGATE_REDIS_PASSWORD_FILE, or put the password into REDIS_URL',
    );
  }
  if (address.mode !== 'sentinel' && access.sentinelPasswordFile !== undefined) {
    problems.push(`${FILES.sentinelPasswordFile} is set, and TOLLGATE_REDIS_MODE is not sentinel`);
  }
  if (unreadable.length === 0) problems.push(...tlsProblems(address, access));
  return { address, access, problems };
}

function readMode(text: string, problems: string[]): RedisMode {
  const mode = REDIS_MODES.find((known) => known === text);
  if (mode === undefined) {
    problems.push(`TOLLGATE_REDIS_MODE: "${text}" must be one of ${REDIS_MODES.join(', ')}`);
  }
  return mode ?? 'single';
}

function readAddress(
  url: string,
  mode: RedisMode,
  username: string,
  problems: string[],
): RedisAddress | undefined {
  if (url === '') return undefined;
  const address = parseRedisUrl(url, mode);
  if (typeof address !== 'string') return { ...address, username: username || address.username };
  problems.push(address);
  return undefined;
}

function unreadableFiles(access: Pick<RedisAccess, keyof typeof FILES>): string[] {
  return (Object.keys(FILES) as (keyof typeof FILES)[]).flatMap((key) => {
    const file = access[key];
    return file === undefined || isReadable(file) ? [] : [`${FILES[key]}: ${unreadable(file)}`];
  });
}

function tlsProblems({ tls }: RedisAddress, access: RedisAccess): string[] {
  const { caFile, certFile, keyFile, serverName } = access;
  if ((certFile === undefined) !== (keyFile === undefined)) {
    return [`${FILES.certFile} and ${FILES.keyFile} belong together: set both or none`];
  }
  if (!tls) {
    // Else whoever set them would believe that the connection is encrypted.
    const set = [
      ...(caFile === undefined ? [] : [FILES.caFile]),
      ...(certFile === undefined ? [] : [FILES.certFile, FILES.keyFile]),
      ...(serverName === '' ? [] : ['TOLLGATE_REDIS_SERVER_NAME']),
    ];
    return set.length === 0
      ? []
      : [`${set.join(', ')}: only for TLS, and REDIS_URL does not begin with rediss://`];
  }
  if (isIP(serverName) !== 0) {
    return [
      'TOLLGATE_REDIS_SERVER_NAME is an address, and TLS asks for names alone: an address is verified without it, where it is the host in REDIS_URL',
    ];
  }
  const problem = tlsFilesProblem(access);
  return problem === undefined
    ? []
    : [`${FILES.caFile}, ${FILES.certFile}, ${FILES.keyFile}: they cannot be used: ${problem}`];
}
