import type { FailureReason } from '../model/decision.js';
import type { Connection } from '../redis/connection.js';
import { fixOf } from '../redis/fix.js';
import type { Logger } from '../telemetry/log.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { Losses } from './losses.js';

/** Soon enough for an alert within a minute, and nothing beside the decisions. */
const POLL_MS = 10_000;

/** Domains that are watched: enough to see any master of a Cluster lose its keys. */
const MAX_WATCHED = 16;

/** Reasons that are said while Redis is away: some name ports, and so are another each time. */
const MAX_REASONS = 5;

/** What Redis refuses though it is there, and by which word of its own. Why a connection ends is said by that. */
const REFUSALS: Readonly<Partial<Record<FailureReason, { what: string; word: string }>>> = {
  denied: { what: 'forbids its user to decide', word: 'NOPERM' },
  noreplicas: { what: 'refuses to write: too few replicas follow it', word: 'NOREPLICAS' },
  misconf: { what: 'refuses to write: it cannot save', word: 'MISCONF' },
  oom: { what: 'refuses to write: its memory is full', word: 'OOM' },
};

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

/** Watches whether Redis is there, and keeps what it is given: eviction, flushes, restores. */
export interface Monitor {
  /** A connection is ready. */
  up(): void;
  /** The connection is lost, or could not be made. */
  down(why: string): void;
  /** Looks now; also done at each reconnect. */
  look(): Promise<void>;
  close(): void;
}

export interface MonitorOptions {
  readonly connection: Connection;
  /** The domains whose keys are watched, the most important first. */
  domains(): Iterable<string>;
  /** Done beside each look at a domain; why it was not answered, if so. */
  touch(domain: string): Promise<FailureReason | undefined>;
  /** Of this process, whoever looks. */
  readonly losses: Losses;
  /** What it means that Redis is away, for people. */
  readonly away: string;
  readonly metrics: Metrics;
  readonly log: Logger;
}

export function startMonitor(options: MonitorOptions): Monitor {
  const { connection, domains, touch, losses, away, metrics, log } = options;
  let saidEviction = '';
  let looking = false;
  let state: 'new' | 'up' | 'down' | 'closed' = 'new';
  const reasons = new Set<string>();
  const refusals = new Map<string, FailureReason>();

  function up(): void {
    if (state === 'down') log.info('Redis is back');
    state = 'up';
    reasons.clear();
    metrics.storeUp.set(1);
  }

  function down(why: string): void {
    metrics.storeUp.set(0);
    if (state === 'closed' || reasons.has(why) || reasons.size === MAX_REASONS) return;
    reasons.add(why);
    // What closes a connection is often not what keeps the next from being made: a certificate that has expired.
    const still = state === 'down' ? 'still ' : '';
    state = 'down';
    log.error(
      { why, fix: fixOf(why, connection.address) },
      `Redis is ${still}away: ${away} until it is back`,
    );
  }

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

  function sayRefused(domain: string, failed: FailureReason | undefined): void {
    const refusal = failed && REFUSALS[failed];
    if (!refusal) refusals.delete(domain);
    else if (refusals.get(domain) !== failed) {
      refusals.set(domain, failed);
      const fix = fixOf(refusal.word, connection.address);
      log.error({ domain, fix }, `Redis ${refusal.what}: ${away} until that is mended`);
    }
  }

  async function look(): Promise<void> {
    if (looking || !connection.ready()) return;
    looking = true;
    try {
      await lookAtEviction();
      for (const domain of [...domains()].slice(0, MAX_WATCHED)) {
        sayRefused(domain, await touch(domain));
        await losses.look(connection, domain, true);
      }
    } catch (error) {
      log.debug({ err: error }, 'Redis could not be looked at; it is tried again');
    } finally {
      looking = false;
    }
  }

  const timer = setInterval(() => void look(), POLL_MS);
  timer.unref();
  return {
    up,
    down,
    look,
    close() {
      state = 'closed';
      clearInterval(timer);
    },
  };
}
