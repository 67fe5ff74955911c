import { Cluster, Redis } from 'ioredis';
import type { RedisAccess } from './access.js';
import type { RedisAddress } from './address.js';
import { nodeConnector, type StreamOptions } from './connector.js';
import {
  digestOf,
  formatOf,
  READING_SCRIPTS,
  SCRIPT_NAMES,
  type ScriptName,
  type Scripts,
} from './scripts.js';
import { type OnFileProblem, secretFile } from './secret-file.js';
import { sentinelConnector } from './sentinel-connector.js';
import { reasonOf, tlsOptions } from './tls.js';

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
  readonly access: RedisAccess;
  readonly scripts: Scripts;
  /** A file cannot be read or used; what it had before is used. */
  readonly onFileProblem: OnFileProblem;
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
  const { address, access, onFileProblem, onUp, onDown } = options;
  let streamFailure: Error | undefined;
  const files: FileReaders = {
    password: readerOf(access.passwordFile, 'the Redis password file', onFileProblem),
    sentinelPassword: readerOf(
      access.sentinelPasswordFile,
      'the password file of the Redis sentinels',
      onFileProblem,
    ),
    streams: {
      tls: address.tls ? tlsOptions(access, onFileProblem) : undefined,
      onFailure(error) {
        streamFailure = error;
      },
    },
  };
  const client =
    address.mode === 'cluster' ? openCluster(options, files) : openSingle(options, files);
  for (const name of SCRIPT_NAMES) {
    client.defineCommand(`tollgate_${name}`, { lua: options.scripts[name] });
  }
  let lastError = CLOSED;
  let closed = false;
  client.on('error', (error: RedisError) => {
    // What is sent on a stream that is closing already tells nothing.
    if (error.message.includes('enableOfflineQueue')) return;
    // A cluster says only that no node would do, and of the node only that it has closed; its stream knows why.
    lastError = reasonOf(streamFailure ?? error.lastNodeError ?? error);
    // ioredis would go on, with the keys of database 0.
    if (error.command?.name === 'select') client.disconnect(true);
  });
  let [ends, reconnect]: [number, NodeJS.Timeout | undefined] = [0, undefined];
  client.on('ready', () => {
    lastError = CLOSED;
    ends = 0;
    onUp();
  });
  // A connector that refuses what it has reached throws nothing.
  client.on('close', () => onDown(streamFailure ? reasonOf(streamFailure) : lastError));
  const connect = () => {
    client.connect().catch(() => {
      // Said by the events; the retry strategy goes on.
    });
  };
  client.on('end', () => {
    if (closed) return;
    // No sentinel has answered, or ioredis lost a stream just while it opened another, and has given up.
    onDown(lastError);
    ends += 1;
    reconnect = setTimeout(connect, reconnectDelayMs(ends));
  });
  connect();

  return {
    address,
    format: formatOf(options.scripts),
    ready: () => client.status === 'ready',
    run: (script, keys, args) =>
      READING_SCRIPTS.includes(script)
        ? runReading(client, options.scripts[script], [keys.length, ...keys, ...args])
        : (client as unknown as Defined)[`tollgate_${script}`](keys.length, ...keys, ...args),
    command: (name, key, ...args) => client.call(name, ...(key === '' ? [] : [key]), ...args),
    bytes: (name, key, ...args) => client.callBuffer(name, key, ...args),
    onEveryMaster: (name, ...args) =>
      Promise.all(
        (client instanceof Cluster ? client.nodes('master') : [client]).map((node) =>
          node.call(name, ...args),
        ),
      ),
    close() {
      closed = true;
      clearTimeout(reconnect);
      client.disconnect();
    },
  };
}

/** Runs a script as one that only reads, for which Redis asks for the right to read alone. */
async function runReading(
  client: Redis | Cluster,
  script: string,
  args: (string | number)[],
): Promise<ScriptReply> {
  try {
    return (await client.call('EVALSHA_RO', digestOf(script), ...args)) as ScriptReply;
  } catch (error) {
    if (!String(error).includes('NOSCRIPT')) throw error;
    return (await client.call('EVAL_RO', script, ...args)) as ScriptReply;
  }
}

/** What is said where nothing is known of a reason: the other end has closed. */
const CLOSED = 'connection closed';

/** What ioredis adds to some of its errors. */
interface RedisError extends Error {
  readonly lastNodeError?: Error;
  readonly command?: { readonly name: string };
}

/** What is read anew at each connect. */
interface FileReaders {
  readonly password: (() => string | undefined) | undefined;
  readonly sentinelPassword: (() => string | undefined) | undefined;
  readonly streams: StreamOptions;
}

function readerOf(file: string | undefined, what: string, onProblem: OnFileProblem) {
  return file === undefined ? undefined : secretFile(file, what, onProblem);
}

/** The options that both kinds share, and each where ioredis' default would surprise. */
function sharedOptions({ address }: ConnectionOptions) {
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
    // A master that has become a replica answers READONLY until the client looks for the new one.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
  };
}

function openSingle(options: ConnectionOptions, files: FileReaders): Redis {
  const { address, access } = options;
  const [node] = address.nodes;
  const client = new Redis({
    ...sharedOptions(options),
    db: address.db,
    retryStrategy: reconnectDelayMs,
    ...(address.path === undefined ? { ...node } : { path: address.path }),
    Connector:
      address.mode === 'sentinel'
        ? sentinelConnector({
            sentinels: address.nodes,
            master: access.sentinelMaster,
            password: () => files.sentinelPassword?.(),
            streams: files.streams,
          })
        : nodeConnector(files.streams),
  });
  readAtConnect(client, files);
  return client;
}

function openCluster(options: ConnectionOptions, files: FileReaders): Cluster {
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
