import { Redis } from 'ioredis';
import { nodeConnector, StreamConnector, type StreamOptions, type Target } from './connector.js';
import { reasonOf } from './tls.js';

/** How long one sentinel may take for its answer: a frozen one sends none. */
const ANSWER_MS = 1_000;

/** Sentinels that are remembered beside those of the settings: five watch a large fleet. */
const MAX_FOUND = 16;

export interface SentinelOptions {
  readonly sentinels: readonly Target[];
  /** Name of the master that they watch. */
  readonly master: string;
  /** Reads the password of the sentinels; undefined if they have none. */
  readonly password: () => string | undefined;
  readonly streams: StreamOptions;
}

/**
 * The connector of a client of the master that sentinels name, asked at each connect. That of ioredis asks
 * without names for TLS, waits for a frozen sentinel for ever, and keeps to itself why one gave no answer.
 */
export function sentinelConnector(options: SentinelOptions): new () => StreamConnector {
  return class extends StreamConnector {
    #known: readonly Target[] = options.sentinels;

    constructor() {
      super(options.streams);
    }

    /** A replica that was a master until now, or is not one yet, is none. */
    override check({ role }: { role?: string }): boolean {
      return role === undefined || role === 'master';
    }

    protected override async target(): Promise<Target> {
      let why = '';
      for (const sentinel of this.#known) {
        try {
          const { master, others } = await askSentinel(sentinel, options);
          if (master) {
            this.#remember(sentinel, others);
            return master;
          }
          why = `sentinel ${nameOf(sentinel)} knows no master "${options.master}"`;
        } catch (error) {
          why = `sentinel ${nameOf(sentinel)}: ${reasonOf(error)}`;
        }
      }
      throw new Error(`no sentinel names the master: ${why}`);
    }

    /** Those of the settings first, but before them the one that has answered. */
    #remember(answered: Target, found: readonly Target[]): void {
      const known = new Map<string, Target>();
      for (const one of [answered, ...options.sentinels, ...found]) {
        if (known.size < options.sentinels.length + MAX_FOUND) known.set(nameOf(one), one);
      }
      this.#known = [...known.values()];
    }
  };
}

function nameOf({ host, port }: Target): string {
  return `${host}:${port}`;
}

/** @throws if it gives no answer */
async function askSentinel(
  sentinel: Target,
  { master, password, streams }: SentinelOptions,
): Promise<{ master: Target | undefined; others: Target[] }> {
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
  try {
    const address = await client.call('SENTINEL', 'get-master-addr-by-name', master);
    if (!Array.isArray(address)) return { master: undefined, others: [] };
    // Another sentinel is no answer's worth of waiting, and a right of its own.
    const others = await client.call('SENTINEL', 'sentinels', master).catch(() => []);
    return {
      master: targetOf(address[0], address[1]),
      others: (others as unknown[]).flatMap(otherOf),
    };
  } catch (error) {
    throw failure ?? error;
  } finally {
    client.disconnect();
  }
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
