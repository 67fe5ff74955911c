import { fileURLToPath } from 'node:url';
import { createGuard } from './guard/guard.js';
import { createJournal } from './guard/journal.js';
import { createObserver } from './guard/observe.js';
import type { Policy } from './policy/policy.js';
import { readPolicy, watchPolicy } from './policy/watch.js';
import { formatRedisAddress } from './redis/address.js';
import { openConnection } from './redis/connection.js';
import { monotonicMs } from './redis/deadline.js';
import { startEmbeddedRedis } from './redis/embedded.js';
import { loadScripts, type Scripts } from './redis/scripts.js';
import type { Settings } from './settings.js';
import { startMonitor } from './store/monitor.js';
import { createStore } from './store/store.js';
import type { Logger } from './telemetry/log.js';
import { createMetrics, type Metrics } from './telemetry/metrics.js';
import { type Api, startApi } from './wire/api.js';
import { formatListen, type ListenAddress } from './wire/listen.js';
import { startOps } from './wire/ops.js';

export const STARTER_POLICY = fileURLToPath(
  new URL('../../src/policy/starter.yaml', import.meta.url),
);

/** How long a stop waits for Redis to take what the journal holds. */
const LAST_DRAIN_MS = 2_000;

/** How long a start waits for Redis; without it, the sidecar starts all the same. */
const FIRST_CONTACT_MS = 1_000;

/** A running sidecar. */
export interface Sidecar {
  readonly address: ListenAddress;
  readonly opsAddress: ListenAddress;
  readonly metrics: Metrics;
  /** Reads the policy file anew, as SIGHUP does. */
  reloadPolicy(): void;
  /** Finishes the calls under way and stops; within 10 s. */
  stop(): Promise<void>;
}

/** The sidecar could not start; the message says why, for people. */
export class StartError extends Error {}

/**
 * Puts the floors together and starts them.
 * @param scripts tests pass the scripts with another clock
 * @throws StartError
 */
export async function startSidecar(
  settings: Settings,
  log: Logger,
  scripts: Scripts = loadScripts(),
): Promise<Sidecar> {
  const metrics = createMetrics();
  const policyFile = settings.policyFile ?? STARTER_POLICY;
  let policy = firstPolicy(policyFile);
  metrics.policyReloadOk.set(1);
  metrics.policyInfo.set({ hash: policy.hash }, 1);

  const embedded = settings.redis ? undefined : await startEmbeddedRedis();
  const connection = openConnection({
    address: settings.redis ?? (embedded as NonNullable<typeof embedded>).address,
    sentinelMaster: settings.sentinelMaster,
    passwordFile: settings.redisPasswordFile,
    scripts: embedded ? embedded.adapt(scripts) : scripts,
    onUp: () => void storeUp(),
    onDown: (why) => storeDown(why),
  });
  const store = createStore(connection, metrics);
  const journal = createJournal(store, metrics, log);
  const monitor = startMonitor(connection, store.domains, metrics, log);
  let contacted = () => {};
  let storeState: 'new' | 'up' | 'down' = 'new';

  const firstContact = new Promise<void>((resolve) => {
    contacted = resolve;
  });

  async function storeUp(): Promise<void> {
    if (storeState === 'down') log.info('Redis is back');
    storeState = 'up';
    metrics.storeUp.set(1);
    store.forgetClocks();
    await store.warmUp(policyDomain(policy), monotonicMs() + FIRST_CONTACT_MS);
    contacted();
    void journal.drain();
    void monitor.look();
  }

  function storeDown(why: string): void {
    metrics.storeUp.set(0);
    if (storeState === 'down' || stopping) return;
    storeState = 'down';
    log.error({ why }, 'Redis is away: the failure modes of the rules decide until it is back');
  }

  const watch = watchPolicy(policyFile, policy, (next) => {
    metrics.policyReloadOk.set('hash' in next ? 1 : 0);
    if (!('hash' in next)) {
      log.error(
        {
          errors: next.errors.map((e) => `${e.line}:${e.column} ${e.message}`),
          policy: policy.hash,
        },
        `the policy file is refused, the policy before it stays in force: ${policyFile}`,
      );
      return;
    }
    const renewed = rulesWithNewWindow(policy, next);
    policy = next;
    metrics.policyInfo.reset();
    metrics.policyInfo.set({ hash: next.hash }, 1);
    log.info(
      { policy: next.hash, new_windows: renewed },
      'the policy file was read: it is in force',
    );
  });

  let stopping = false;
  let api: Api | undefined;
  const guard = createGuard(() => policy, store, journal, createObserver(metrics, log));
  const closeStore = async () => {
    watch.close();
    monitor.close();
    journal.close();
    connection.close();
    await embedded?.close();
  };
  try {
    // So that the first calls find Redis, if it is there at all.
    await Promise.race([firstContact, afterMs(FIRST_CONTACT_MS)]);
    api = await startApi(settings.listen, guard, metrics, log);
    const ops = await startOps(settings.opsListen, metrics, () => api !== undefined && !stopping);
    if (!embedded)
      log.info({ redis: formatRedisAddress(connection.address) }, 'using the Redis of the fleet');
    const { address } = api;
    return {
      address,
      opsAddress: ops.address,
      metrics,
      reloadPolicy: watch.reload,
      async stop() {
        stopping = true;
        await api?.drain();
        await Promise.race([journal.drain(), afterMs(LAST_DRAIN_MS)]);
        if (journal.size() > 0) {
          log.error(
            { entries: journal.size() },
            'stopped before Redis was back: these calls stay uncharged',
          );
        }
        await ops.close();
        await closeStore();
      },
    };
  } catch (error) {
    stopping = true;
    await api?.drain();
    await closeStore();
    const message = error instanceof Error ? error.message : String(error);
    throw new StartError(
      `cannot listen on ${formatListen(api ? settings.opsListen : settings.listen)}: ${message}`,
    );
  }
}

/** At the start there is no older policy to keep, so a bad file stops it. */
function firstPolicy(file: string): Policy {
  const policy = readPolicy(file);
  if ('hash' in policy) return policy;
  const lines = policy.errors.map((e) => `  ${file}:${e.line}:${e.column}: ${e.message}`);
  throw new StartError(`the policy file is refused:\n${lines.join('\n')}`);
}

/** Where to warm up: the domain of the policy, or one that no call has. */
function policyDomain({ domain }: Policy): string {
  return 'name' in domain ? domain.name : 'none';
}

/** Rules that count from zero because their metric, window or per changed. */
function rulesWithNewWindow(before: Policy, after: Policy): string[] {
  const shapes = new Map(before.rules.map((rule) => [rule.id, rule.rateLimit?.shape]));
  return after.rules
    .filter(
      ({ id, rateLimit }) =>
        shapes.get(id) !== undefined && rateLimit && shapes.get(id) !== rateLimit.shape,
    )
    .map(({ id }) => id);
}

function afterMs(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
