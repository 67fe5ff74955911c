import type { Connection } from '../redis/connection.js';
import type { Logger } from '../telemetry/log.js';
import type { Metrics } from '../telemetry/metrics.js';
import { bornKey } from './keys.js';

/** Soon enough for an alert within a minute, and nothing beside the decisions. */
const POLL_MS = 10_000;

/** What a Redis says of itself in INFO. */
export interface RedisInfo {
  readonly version: string;
  readonly maxmemoryPolicy: string | undefined;
  readonly evictedKeys: number;
}

export function parseInfo(text: string): RedisInfo {
  const field = (name: string) => new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(text)?.[1];
  return {
    version: field('valkey_version') ?? field('redis_version') ?? 'unknown',
    maxmemoryPolicy: field('maxmemory_policy'),
    evictedKeys: Number(field('evicted_keys') ?? 0),
  };
}

/** Watches whether Redis keeps what it is given: eviction, flushes, restores. */
export interface Monitor {
  /** Looks now; also done at each reconnect. */
  look(): Promise<void>;
  close(): void;
}

/** @param domains those that this sidecar has decided in */
export function startMonitor(
  connection: Connection,
  domains: () => Iterable<string>,
  metrics: Metrics,
  log: Logger,
): Monitor {
  const births = new Map<string, string>();
  let saidEviction = '';
  let looking = false;

  async function lookAtEviction(): Promise<void> {
    const infos = (await connection.onEveryMaster('INFO')).map((text) => parseInfo(String(text)));
    const evicting = infos.find(
      ({ maxmemoryPolicy }) => maxmemoryPolicy !== undefined && maxmemoryPolicy !== 'noeviction',
    );
    metrics.storeCanEvict.set(evicting ? 1 : 0);
    metrics.storeEvictedKeys.set(infos.reduce((sum, { evictedKeys }) => sum + evictedKeys, 0));
    const policy = evicting?.maxmemoryPolicy ?? '';
    if (policy !== '' && policy !== saidEviction) {
      log.error(
        { maxmemory_policy: policy },
        'Redis may evict windows, and so forget spend: set maxmemory-policy to noeviction',
      );
    }
    saidEviction = policy;
  }

  async function lookAtBirth(domain: string): Promise<void> {
    const key = bornKey(domain);
    await connection.command('SET', key, String(Date.now()), 'NX');
    const born = String(await connection.command('GET', key));
    const known = births.get(domain);
    births.set(domain, born);
    if (known !== undefined && known !== born) {
      metrics.storeResets.inc();
      log.error(
        { domain },
        'Redis has lost its keys (flushed, restarted without persistence, restored or replaced): every window starts from empty',
      );
    }
  }

  async function look(): Promise<void> {
    if (looking || !connection.ready()) return;
    looking = true;
    try {
      await lookAtEviction();
      for (const domain of domains()) await lookAtBirth(domain);
    } catch (error) {
      log.debug({ err: error }, 'Redis could not be looked at; it is tried again');
    } finally {
      looking = false;
    }
  }

  const timer = setInterval(() => void look(), POLL_MS);
  timer.unref();
  return { look, close: () => clearInterval(timer) };
}
