import { hostname } from 'node:os';
import { createAdmissions } from './guard/admissions.js';
import { startSeries } from './guard/first-series.js';
import { createGuard, type Guard } from './guard/guard.js';
import { createJournal, type Journal } from './guard/journal.js';
import { createLineage } from './guard/lineage.js';
import { createNotes } from './guard/notes.js';
import { createObserver } from './guard/observe.js';
import { createLifeObserver } from './guard/observe-life.js';
import { createPresence } from './guard/presence.js';
import { createSpending } from './guard/spending.js';
import { createAnnouncer } from './guard/thresholds.js';
import { createWindowsSeen } from './guard/windows-seen.js';
import type { Identity } from './model/settlement.js';
import type { LivePolicy } from './policy/live.js';
import { encodeValue } from './policy/partition.js';
import type { Policy } from './policy/policy.js';
import { createTokensSeen } from './pricing/seen.js';
import { type Connection, type ConnectionOptions, openConnection } from './redis/connection.js';
import { monotonicMs } from './redis/deadline.js';
import type { Settings } from './settings.js';
import { followFleetFormat } from './store/fleet-format.js';
import type { Losses } from './store/losses.js';
import { startMonitor } from './store/monitor.js';
import { createStore, type Store } from './store/store.js';
import type { Logger } from './telemetry/log.js';
import type { Metrics } from './telemetry/metrics.js';

/** How long a stop waits for Redis to take what the journal holds. */
export const LAST_DRAIN_MS = 2_000;

/** How long a stop waits until the ledger is told of the last denials. */
export const LAST_NOTES_MS = 500;

/** How long a look at an idle domain waits for its answer. */
const TOUCH_MS = 1_000;

/** How long a start waits for Redis; without it, the gate opens all the same. */
const FIRST_CONTACT_MS = 1_000;

/** What a connection needs to know but for whom it tells when it is up. */
export type RedisOptions = Omit<ConnectionOptions, 'onUp' | 'onDown'>;

/** The role that decides: it answers the calls of one agent, or of a machine. */
export interface Gate {
  readonly guard: Guard;
  /** Tells Redis what it must still know, and lets go of it. */
  close(): Promise<void>;
}

export async function openGate(
  settings: Settings,
  redis: RedisOptions,
  policy: LivePolicy,
  losses: Losses,
  metrics: Metrics,
  log: Logger,
): Promise<Gate> {
  const announce = createAnnouncer(metrics, log);
  policy.follow((next) => startSeries(metrics, settings.identity, next));
  const { connection, store, journal, close } = await openStore(
    settings,
    redis,
    policy,
    losses,
    metrics,
    log,
  );
  const notes = createNotes({
    connection,
    policy: policy.current,
    domains: store.domains,
    origin: { from: settings.policyFile ?? 'starter policy', by: hostname() },
    log,
  });
  const windows = createWindowsSeen(connection, policy.current, log);
  const presence = createPresence(connection, policy.current, settings.identity.agent, log);
  const observe = createObserver(metrics, log, announce, notes);
  const guard = createGuard({
    policy: policy.current,
    lineage: createLineage(settings.lineageKeys),
    store,
    journal,
    seen: createTokensSeen(),
    admissions: createAdmissions(store, journal, log, announce, createSpending(metrics)),
    observe(call, decision, seconds) {
      observe(call, decision, seconds);
      windows.seen(call, decision);
    },
    observeLife: createLifeObserver(policy.current, metrics, log, announce),
    pinned: settings.identity,
  });
  return {
    guard,
    async close() {
      const told = Promise.all([notes.close(), windows.close(), presence.close()]);
      await withinMs(told, LAST_NOTES_MS);
      await close();
    },
  };
}

/** The store, and what keeps it right while Redis comes and goes. */
interface OpenStore {
  readonly connection: Connection;
  readonly store: Store;
  readonly journal: Journal;
  close(): Promise<void>;
}

/** Connects, and waits a moment, so that the first calls find Redis if it is there at all. */
async function openStore(
  settings: Settings,
  redis: RedisOptions,
  policy: LivePolicy,
  losses: Losses,
  metrics: Metrics,
  log: Logger,
): Promise<OpenStore> {
  let firstContact = () => {};
  const contacted = new Promise<void>((resolve) => {
    firstContact = resolve;
  });
  const connection = openConnection({
    ...redis,
    onUp: () => {
      monitor.up();
      store.forget();
      store
        .touch(policyDomain(policy.current(), settings.identity), monotonicMs() + FIRST_CONTACT_MS)
        .then(firstContact)
        .then(journal.drain)
        .then(monitor.look);
    },
    onDown: (why) => monitor.down(why),
  });
  const format = followFleetFormat(connection, log);
  const store = createStore(
    connection,
    metrics,
    () => policy.current().ledger.maxEntries,
    settings.decisionMs,
    format.current,
  );
  const journal = createJournal(metrics, log);
  const monitor = startMonitor({
    connection,
    domains: store.domains,
    // An idle domain's clock grows vague with time; this keeps it sharp.
    touch: (domain) => store.touch(domain, monotonicMs() + TOUCH_MS),
    away: 'the failure modes of the rules decide',
    ...{ losses, metrics, log },
  });
  await withinMs(contacted, FIRST_CONTACT_MS);
  return {
    connection,
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
      await format.close();
      connection.close();
    },
  };
}

/** The domain to touch first: that of the policy, or that of whom this gate is pinned to. */
function policyDomain({ domain }: Policy, pinned: Identity): string {
  return 'name' in domain ? domain.name : encodeValue(pinned[domain.attribute]);
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
async function withinMs(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, timeout]);
  clearTimeout(timer);
}
