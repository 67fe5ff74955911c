import { fileURLToPath } from 'node:url';
import { createAdmissions } from './guard/admissions.js';
import { createGuard } from './guard/guard.js';
import { createJournal, type Journal } from './guard/journal.js';
import { createLineage } from './guard/lineage.js';
import { createObserver } from './guard/observe.js';
import { createLifeObserver } from './guard/observe-life.js';
import { createAnnouncer } from './guard/thresholds.js';
import { followPolicy, type LivePolicy } from './policy/live.js';
import type { Policy } from './policy/policy.js';
import { createTokensSeen } from './pricing/seen.js';
import { formatRedisAddress } from './redis/address.js';
import { openConnection } from './redis/connection.js';
import { monotonicMs } from './redis/deadline.js';
import { startEmbeddedRedis } from './redis/embedded.js';
import { loadScripts, type Scripts } from './redis/scripts.js';
import type { Settings } from './settings.js';
import { startMonitor } from './store/monitor.js';
import { createStore, type Store } from './store/store.js';
import type { Logger } from './telemetry/log.js';
import { createMetrics, type Metrics } from './telemetry/metrics.js';
import { startApi } from './wire/api.js';
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
  const policy = policyFor(settings, metrics, log);
  const announce = createAnnouncer(metrics, log);
  const redis = await openStore(settings, scripts, policy, metrics, log);
  const { store, journal } = redis;
  const guard = createGuard({
    policy: policy.current,
    lineage: createLineage(settings.lineageKey),
    store,
    journal,
    seen: createTokensSeen(),
    admissions: createAdmissions(store, journal, log, announce),
    observe: createObserver(metrics, log, announce),
    observeLife: createLifeObserver(policy.current, metrics, log, announce),
  });
  const stops: (() => unknown)[] = [policy.close, redis.close];
  let ready = false;
  const stop = async () => {
    ready = false;
    for (const close of stops.toReversed()) await close();
  };
  try {
    const { opsListen, listen } = settings;
    const ops = await startOps(opsListen, metrics, () => ready).catch(cannotListen(opsListen));
    stops.push(ops.close);
    const api = await startApi(listen, guard, metrics, log).catch(cannotListen(listen));
    stops.push(api.drain);
    ready = true;
    const { address } = api;
    return { address, opsAddress: ops.address, metrics, reloadPolicy: policy.reload, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function policyFor(settings: Settings, metrics: Metrics, log: Logger): LivePolicy {
  const file = settings.policyFile ?? STARTER_POLICY;
  const policy = followPolicy(file, metrics, log);
  if (!('errors' in policy)) return policy;
  // At the start there is no older policy to keep, so a bad file stops it.
  const lines = policy.errors.map((e) => `  ${file}:${e.line}:${e.column}: ${e.message}`);
  throw new StartError(`the policy file is refused:\n${lines.join('\n')}`);
}

function cannotListen(address: ListenAddress): (error: unknown) => never {
  return (error) => {
    const message = error instanceof Error ? error.message : String(error);
    throw new StartError(`cannot listen on ${formatListen(address)}: ${message}`);
  };
}

/** The store, and what keeps it right while Redis comes and goes. */
interface OpenStore {
  readonly store: Store;
  readonly journal: Journal;
  /** Tells Redis what it must still know, and lets go of it. */
  close(): Promise<void>;
}

/** Connects, and waits a moment, so that the first calls find Redis if it is there at all. */
async function openStore(
  settings: Settings,
  scripts: Scripts,
  policy: LivePolicy,
  metrics: Metrics,
  log: Logger,
): Promise<OpenStore> {
  const embedded = settings.redis ? undefined : await startEmbeddedRedis();
  const address = embedded?.address ?? settings.redis;
  if (!address) throw new StartError('there is no Redis to connect to');
  let firstContact = () => {};
  const contacted = new Promise<void>((resolve) => {
    firstContact = resolve;
  });
  const connection = openConnection({
    address,
    sentinelMaster: settings.sentinelMaster,
    passwordFile: settings.redisPasswordFile,
    scripts: embedded ? embedded.adapt(scripts) : scripts,
    onPasswordProblem: (why) => {
      log.error({ why }, 'the Redis password file cannot be read: the password before is used');
    },
    onUp: () => {
      monitor.up();
      store.forget();
      store
        .touch(policyDomain(policy.current()), monotonicMs() + FIRST_CONTACT_MS)
        .then(firstContact)
        .then(journal.drain)
        .then(monitor.look);
    },
    onDown: (why) => monitor.down(why),
  });
  const store = createStore(connection, metrics, () => policy.current().ledger.maxEntries);
  const journal = createJournal(metrics, log);
  const monitor = startMonitor(connection, store, metrics, log);
  if (!embedded) log.info({ redis: formatRedisAddress(address) }, 'using the Redis of the fleet');
  await withinMs(contacted, FIRST_CONTACT_MS);
  return {
    store,
    journal,
    async close() {
      await withinMs(drainAll(journal), LAST_DRAIN_MS);
      if (journal.size() > 0) {
        log.error(
          { entries: journal.size() },
          'stopped before Redis was back: these calls stay uncharged',
        );
      }
      journal.close();
      monitor.close();
      connection.close();
      await embedded?.close();
    },
  };
}

/** The domain to touch first: that of the policy, or that of the calls without the field that names it. */
function policyDomain({ domain }: Policy): string {
  return 'name' in domain ? domain.name : 'none';
}

/** Drains until nothing waits, or Redis takes no more: entries may come while a drain runs. */
async function drainAll(journal: Journal): Promise<void> {
  let before: number;
  do {
    before = journal.size();
    await journal.drain();
  } while (journal.size() > 0 && journal.size() < before);
}

/** Waits for the work, or for so long. */
async function withinMs(work: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, timeout]);
  clearTimeout(timer);
}
