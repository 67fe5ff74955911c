import { Redis } from 'ioredis';
import { nodeConnector, type StreamOptions, type Target } from './connector.js';

/** How long one sentinel may take for its answer: a frozen one sends none. */
const ANSWER_MS = 1_000;

export interface SentinelOptions {
  readonly sentinels: readonly Target[];
  /** Name of the master that they watch. */
  readonly master: string;
  /** Reads the password of the sentinels; undefined if they have none. */
  readonly password: () => string | undefined;
  readonly streams: StreamOptions;
}

/** One sentinel, over one connection, which is made at the first question. Both questions throw if there is no answer. */
export interface Sentinel {
  /** undefined: it knows none of that name. */
  master(): Promise<Target | undefined>;
  /** The other sentinels of that master. */
  others(): Promise<Target[]>;
  close(): void;
}

export function openSentinel(
  sentinel: Target,
  { master, password, streams }: SentinelOptions,
): Sentinel {
  let failure: Error | undefined;
  const secret = password();
  const client = new Redis({
    ...sentinel,
    ...(secret === undefined ? {} : { password: secret }),
    Connector: nodeConnector({
      ...streams,
      onFailure(error) {
        failure = error;
      },
    }),
    // Only says which event the stream is there with; the connector knows how.
    ...(streams.tls ? { tls: {} } : {}),
    lazyConnect: true,
    connectTimeout: ANSWER_MS,
    commandTimeout: ANSWER_MS,
    maxRetriesPerRequest: 0,
    retryStrategy: null,
    enableReadyCheck: false,
    disableClientInfo: true,
  });
  client.on('error', (error: Error) => {
    failure ??= error;
  });
  return {
    async master() {
      try {
        const address = await client.call('SENTINEL', 'get-master-addr-by-name', master);
        return Array.isArray(address) ? targetOf(address[0], address[1]) : undefined;
      } catch (error) {
        throw failure ?? error;
      }
    },
    async others() {
      const others = await client.call('SENTINEL', 'sentinels', master);
      return (others as unknown[]).flatMap(otherOf);
    },
    close: () => client.disconnect(),
  };
}

export function nameOf({ host, port }: Target): string {
  return `${host}:${port}`;
}

function targetOf(host: unknown, port: unknown): Target {
  return { host: String(host), port: Number(port) };
}

/** From a flat list of names and values. */
function otherOf(reply: unknown): Target[] {
  const fields = reply as unknown[];
  const field = (name: string) => fields[fields.indexOf(name) + 1];
  if (!fields.includes('ip') || !fields.includes('port')) return [];
  return String(field('flags')).includes('disconnected')
    ? []
    : [targetOf(field('ip'), field('port'))];
}
