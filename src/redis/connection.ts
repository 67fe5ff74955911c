import { readFileSync } from 'node:fs';
import { Cluster, Redis } from 'ioredis';
import type { RedisAddress } from './address.js';
import { formatOf, SCRIPT_NAMES, type ScriptName, type Scripts } from './scripts.js';

/** How long connecting may take before it is tried again. */
const CONNECT_TIMEOUT_MS = 2_000;

/**
 * A connection on which commands wait and nothing comes back is given up after this long: a frozen
 * host sends no reset. Far above any decision's deadline, since each reconnect costs a handshake.
 */
const SILENCE_TIMEOUT_MS = 2_000;

/** Reconnects for ever: 50 ms, doubled up to 2 s, and jitter so that a fleet does not come at once. */
function reconnectDelayMs(attempt: number): number {
  return Math.min(2_000, 25 * 2 ** Math.min(attempt, 10)) + Math.floor(Math.random() * 50);
}

export interface ConnectionOptions {
  readonly address: RedisAddress;
  /** Name of the master that the sentinels watch. */
  readonly sentinelMaster: string;
  /** Holds the password and is read at every connect, so that it can be rotated. */
  readonly passwordFile: string | undefined;
  readonly scripts: Scripts;
  /** The password file cannot be read; the password before it is used. */
  readonly onPasswordProblem: (why: string) => void;
  readonly onUp: () => void;
  readonly onDown: (why: string) => void;
}

/** One client of one Redis, Sentinel group or Cluster. */
export interface Connection {
  readonly address: RedisAddress;
  /** The newest format in which its scripts keep windows and records. */
  readonly format: number;
  /** Can a command be sent at this moment? */
  ready(): boolean;
  /** Runs a script: one round trip, a flat reply. Rejects with a Redis or a connection error. */
  run(
    script: ScriptName,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<ScriptReply>;
  /** Any other command that is routed by `key`; '' for any node. */
  command(name: string, key: string, ...args: (string | number)[]): Promise<unknown>;
  /** The same with a reply of bytes: for values that are no text. */
  bytes(name: string, key: string, ...args: (string | number)[]): Promise<unknown>;
  /** The same command on every master. */
  onEveryMaster(name: string, ...args: string[]): Promise<unknown[]>;
  close(): void;
}

/** What a script replies: numbers, and here and there a text. */
export type ScriptReply = (number | string)[];

/** What defineCommand adds to a client, which its types cannot know. */
type Defined = Record<
  `tollgate_${ScriptName}`,
  (keyCount: number, ...args: (string | number)[]) => Promise<ScriptReply>
>;

/** Opens a connection, and keeps trying for ever if there is nothing to connect to. */
export function openConnection(options: ConnectionOptions): Connection {
  const client = options.address.mode === 'cluster' ? openCluster(options) : openSingle(options);
  for (const name of SCRIPT_NAMES) {
    client.defineCommand(`tollgate_${name}`, { lua: options.scripts[name] });
  }
  let lastError = 'connection closed';
  client.on('error', (error: Error & { lastNodeError?: Error }) => {
    // A cluster says only that no node would do; the node's own words say why.
    lastError = error.lastNodeError?.message ?? error.message;
  });
  client.on('ready', options.onUp);
  client.on('close', () => options.onDown(lastError));
  client.connect().catch(() => {
    // Said by the events above; the retry strategy goes on.
  });

  return {
    address: options.address,
    format: formatOf(options.scripts),
    ready: () => client.status === 'ready',
    run: (script, keys, args) =>
      (client as unknown as Defined)[`tollgate_${script}`](keys.length, ...keys, ...args),
    command: (name, key, ...args) => client.call(name, ...(key === '' ? [] : [key]), ...args),
    bytes: (name, key, ...args) => client.callBuffer(name, key, ...args),
    onEveryMaster: (name, ...args) =>
      Promise.all(
        (client instanceof Cluster ? client.nodes('master') : [client]).map((node) =>
          node.call(name, ...args),
        ),
      ),
    close: () => client.disconnect(),
  };
}

/** The options that both kinds share, and each where ioredis' default would surprise. */
function sharedOptions({ address }: ConnectionOptions) {
  return {
    ...(address.username === undefined ? {} : { username: address.username }),
    ...(address.password === undefined ? {} : { password: address.password }),
    ...(address.tls ? { tls: {} } : {}),
    connectionName: 'tollgate',
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SILENCE_TIMEOUT_MS,
    // No queue, no second sending: a decision has a deadline, and its failure mode answers.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    // A master that has become a replica answers READONLY until the client looks for the new one.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
  };
}

function openSingle(options: ConnectionOptions): Redis {
  const { address } = options;
  const [node] = address.nodes;
  const client = new Redis({
    ...sharedOptions(options),
    db: address.db,
    retryStrategy: reconnectDelayMs,
    ...(address.mode === 'sentinel'
      ? {
          sentinels: [...address.nodes],
          name: options.sentinelMaster,
          sentinelRetryStrategy: reconnectDelayMs,
          // Measured: `true` ended in a dead client in 6 of 18 failovers.
          failoverDetector: false,
        }
      : address.path !== undefined
        ? { path: address.path }
        : { ...node }),
  });
  readPasswordAtConnect(client, options);
  return client;
}

function openCluster(options: ConnectionOptions): Cluster {
  const { enableOfflineQueue, ...nodeOptions } = sharedOptions(options);
  const cluster = new Cluster([...options.address.nodes], {
    lazyConnect: true,
    enableOfflineQueue,
    redisOptions: nodeOptions,
    clusterRetryStrategy: reconnectDelayMs,
    // Redirections and a closed node are tried again at once, within the decision's deadline. The
    // attempt id makes a second sending of the same attempt harmless.
    maxRedirections: 4,
    retryDelayOnFailover: 10,
    retryDelayOnClusterDown: 10,
    retryDelayOnTryAgain: 5,
    slotsRefreshTimeout: CONNECT_TIMEOUT_MS,
  });
  cluster.on('+node', (node: Redis) => readPasswordAtConnect(node, options));
  return cluster;
}

/**
 * ioredis takes `options.password` anew at every connect, so the option reads the file. It must not
 * throw: ioredis would never try again. Without the file the password is the one before, and Redis
 * says whether it still is.
 */
function readPasswordAtConnect(
  client: Redis,
  { passwordFile, onPasswordProblem }: ConnectionOptions,
): void {
  if (passwordFile === undefined) return;
  let last: string | undefined;
  Object.defineProperty(client.options, 'password', {
    enumerable: true,
    get() {
      try {
        last = readFileSync(passwordFile, 'utf8').trim();
      } catch (error) {
        onPasswordProblem(error instanceof Error ? error.message : String(error));
      }
      return last;
    },
  });
}
