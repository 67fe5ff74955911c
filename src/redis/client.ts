import { Cluster, Redis } from 'ioredis';
import type { RedisAccess } from './access.js';
import type { RedisAddress } from './address.js';
import { nodeConnector, type StreamOptions } from './connector.js';
import { sentinelConnector } from './sentinel-connector.js';

/** How long connecting may take before it is tried again. */
const CONNECT_TIMEOUT_MS = 2_000;

/**
 * A connection on which commands wait and nothing comes back is given up after this long: a frozen
 * host sends no reset. Far above any decision's deadline, since each reconnect costs a handshake.
 */
const SILENCE_TIMEOUT_MS = 2_000;

/** Reconnects for ever: 50 ms, doubled up to 2 s, and jitter so that a fleet does not come at once. */
export function reconnectDelayMs(attempt: number): number {
  return Math.min(2_000, 25 * 2 ** Math.min(attempt, 10)) + Math.floor(Math.random() * 50);
}

/** Where a Redis is and how to get in. */
interface Where {
  readonly address: RedisAddress;
  readonly access: RedisAccess;
}

/** What is read anew at each connect. */
export interface FileReaders {
  readonly password: (() => string | undefined) | undefined;
  readonly sentinelPassword: (() => string | undefined) | undefined;
  readonly streams: StreamOptions;
}

/** What is known of the attempts to reach a master, of one node or by sentinels. */
export interface Attempts {
  /** Since Redis was up. */
  failed: number;
  /** It has answered READONLY since then. */
  readonly: boolean;
  /** What was reached last, by its own word; undefined if it says none. */
  role: string | undefined;
  readonly onReadonly: (error: Error) => void;
}

/** The options that both kinds share, and each where ioredis' default would surprise. */
function sharedOptions({ address }: Where) {
  return {
    ...(address.username === undefined ? {} : { username: address.username }),
    ...(address.password === undefined ? {} : { password: address.password }),
    // Only says which event a stream is there with; the connectors know how it is made.
    ...(address.tls ? { tls: {} } : {}),
    connectionName: 'tollgate',
    // It would be denied, and so fill the ACL log, unless each user had a right that Redis 7.0 does not know.
    disableClientInfo: true,
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SILENCE_TIMEOUT_MS,
    // No queue, no second sending: a decision has a deadline, and its failure mode answers.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    reconnectOnError: isReadonly,
  };
}

/** A master that has become a replica answers so until the client looks for the new one. */
function isReadonly({ message }: Error): boolean {
  return message.startsWith('READONLY');
}

/** A client of one node, or of the master that sentinels name. */
export function openSingle(options: Where, files: FileReaders, attempts: Attempts): Redis {
  const { address, access } = options;
  const [node] = address.nodes;
  const onRole = (role: string | undefined) => {
    attempts.role = role;
  };
  const client = new Redis({
    ...sharedOptions(options),
    db: address.db,
    // That of ioredis begins anew whenever a connection is there, be it one to a replica.
    retryStrategy() {
      attempts.failed += 1;
      return reconnectDelayMs(attempts.failed);
    },
    reconnectOnError(error) {
      if (!isReadonly(error)) return false;
      attempts.onReadonly(error);
      return true;
    },
    ...(address.path === undefined ? { ...node } : { path: address.path }),
    Connector:
      address.mode === 'sentinel'
        ? sentinelConnector({
            sentinels: address.nodes,
            master: access.sentinelMaster,
            password: () => files.sentinelPassword?.(),
            streams: files.streams,
            onRole,
          })
        : nodeConnector(files.streams, onRole),
  });
  readAtConnect(client, files);
  return client;
}

export function openCluster(options: Where, files: FileReaders): Cluster {
  const { enableOfflineQueue, ...nodeOptions } = sharedOptions(options);
  const cluster = new Cluster([...options.address.nodes], {
    lazyConnect: true,
    enableOfflineQueue,
    redisOptions: { ...nodeOptions, Connector: nodeConnector(files.streams) },
    clusterRetryStrategy: reconnectDelayMs,
    // Names stay names: ioredis would look them up once, and no certificate is for an address.
    dnsLookup: (name, done) => done(null, name),
    // Redirections and a closed node are tried again at once, within the decision's deadline. The
    // attempt id makes a second sending of the same attempt harmless.
    maxRedirections: 4,
    retryDelayOnFailover: 10,
    retryDelayOnClusterDown: 10,
    retryDelayOnTryAgain: 5,
    slotsRefreshTimeout: CONNECT_TIMEOUT_MS,
  });
  cluster.on('+node', (node: Redis) => readAtConnect(node, files));
  return cluster;
}

/** ioredis takes `options.password` anew at every connect, so the option reads the file. */
function readAtConnect(client: Redis, { password }: FileReaders): void {
  if (!password) return;
  Object.defineProperty(client.options, 'password', { enumerable: true, get: password });
}
