import { Cluster, type Redis } from 'ioredis';
import type { RedisAccess } from './access.js';
import type { RedisAddress } from './address.js';
import {
  type Attempts,
  type FileReaders,
  openCluster,
  openSingle,
  reconnectDelayMs,
} from './client.js';
import {
  digestOf,
  formatOf,
  READING_SCRIPTS,
  SCRIPT_NAMES,
  type ScriptName,
  type Scripts,
} from './scripts.js';
import { type OnFileProblem, secretFile } from './secret-file.js';
import { reasonOf, tlsOptions } from './tls.js';

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
  let lastError = CLOSED;
  const attempts: Attempts = {
    failed: 0,
    readonly: false,
    role: undefined,
    onReadonly({ message }) {
      attempts.readonly = true;
      lastError = message;
    },
  };
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
    address.mode === 'cluster' ? openCluster(options, files) : openSingle(options, files, attempts);
  for (const name of SCRIPT_NAMES) {
    client.defineCommand(`tollgate_${name}`, { lua: options.scripts[name] });
  }
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
  const up = () => {
    lastError = CLOSED;
    attempts.readonly = false;
    attempts.failed = 0;
    onUp();
  };
  client.on('ready', () => {
    ends = 0;
    // A replica lets everybody in, and is of no use: nothing is better than before.
    if (!attempts.readonly || attempts.role === 'master') up();
  });
  const write = async (script: ScriptName, ...args: [number, ...(string | number)[]]) => {
    const reply = await (client as unknown as Defined)[`tollgate_${script}`](...args);
    if (attempts.readonly && !NO_WRITES.test(options.scripts[script])) up();
    return reply;
  };
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
        : write(script, keys.length, ...keys, ...args),
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

/** A script that a replica runs too. */
const NO_WRITES = /^#!lua flags=.*no-writes/;

/** What is said where nothing is known of a reason: the other end has closed. */
const CLOSED = 'connection closed';

/** What ioredis adds to some of its errors. */
interface RedisError extends Error {
  readonly lastNodeError?: Error;
  readonly command?: { readonly name: string };
}

function readerOf(file: string | undefined, what: string, onProblem: OnFileProblem) {
  return file === undefined ? undefined : secretFile(file, what, onProblem);
}
