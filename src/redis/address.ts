export const REDIS_MODES = ['single', 'sentinel', 'cluster'] as const;
export type RedisMode = (typeof REDIS_MODES)[number];

/** Where a Redis is and how to get in. */
export interface RedisAddress {
  readonly mode: RedisMode;
  /** One node for `single`; sentinels or cluster nodes to start from otherwise. */
  readonly nodes: readonly { host: string; port: number }[];
  /** Path of a unix socket, instead of nodes. */
  readonly path: string | undefined;
  readonly tls: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly db: number;
}

/**
 * Reads REDIS_URL: `redis://[user:password@]host[:port][/db]`, `rediss://` for TLS,
 * `unix:///path/to/redis.sock`; for sentinel and cluster several hosts, separated by commas.
 * @returns the address, or a sentence that says what is wrong; it never repeats the URL, which may
 *   hold a password
 */
export function parseRedisUrl(url: string, mode: RedisMode): RedisAddress | string {
  const parts = /^(rediss?|unix):\/\/(?:([^@/]*)@)?([^/?#]*)(\/[^?#]*)?$/.exec(url);
  if (!parts)
    return 'REDIS_URL must look like redis://host:6379, rediss://host:6379 or unix:///path';
  const [, scheme, credentials = '', hosts = '', path = ''] = parts;
  if (hosts.includes('@'))
    return 'REDIS_URL has more than one @: an @ in the password is written %40';
  const login = parseLogin(credentials);
  if (!login) return 'REDIS_URL has a % in user or password that is not percent-encoded (%25)';
  if (scheme === 'unix') {
    if (mode !== 'single') return `REDIS_URL names a unix socket, which ${mode} mode cannot use`;
    if (hosts !== '' || path === '') return 'REDIS_URL must be unix:///path, with three slashes';
    return { mode, nodes: [], path, tls: false, ...login, db: 0 };
  }
  const nodes = [];
  for (const host of hosts.split(',')) {
    const node = /^(\[[0-9a-fA-F:]+\]|[^:[\]]+)(?::(\d{1,5}))?$/.exec(host);
    if (!node?.[1]) return 'REDIS_URL has an empty or malformed host';
    const port = Number(node[2] ?? (mode === 'sentinel' ? 26379 : 6379));
    if (port < 1 || port > 65535) return 'REDIS_URL has a port outside 1 to 65535';
    nodes.push({ host: node[1].replace(/^\[|\]$/g, ''), port });
  }
  if (mode === 'single' && nodes.length > 1) {
    return 'REDIS_URL names several hosts; set TOLLGATE_REDIS_MODE=sentinel or cluster';
  }
  const db = path === '' || path === '/' ? 0 : Number(path.slice(1));
  if (!Number.isInteger(db) || db < 0)
    return 'REDIS_URL must end with a database number, or nothing';
  if (mode === 'cluster' && db !== 0) return 'a Redis Cluster has no database but 0';
  return { mode, nodes, path: undefined, tls: scheme === 'rediss', ...login, db };
}

/** For people and logs: without user and password. */
export function formatRedisAddress(address: RedisAddress): string {
  if (address.path !== undefined) return `unix://${address.path}`;
  const hosts = address.nodes.map(({ host, port }) => `${host}:${port}`).join(',');
  return `${address.tls ? 'rediss' : 'redis'}://${hosts}/${address.db}`;
}

/** @returns undefined if the percent-encoding is broken */
function parseLogin(
  credentials: string,
): { username: string | undefined; password: string | undefined } | undefined {
  const colon = credentials.indexOf(':');
  try {
    return {
      username: decodeURIComponent(colon < 0 ? '' : credentials.slice(0, colon)) || undefined,
      password: decodeURIComponent(credentials.slice(colon + 1)) || undefined,
    };
  } catch {
    return undefined;
  }
}
