import type { RedisOptions } from './gate.js';
import { showFleet } from './keeper/fleet/gauges.js';
import { type FleetWatch, watchFleet } from './keeper/fleet/watch-fleet.js';
import { startKeeper } from './keeper/keeper.js';
import { startNews } from './keeper/news.js';
import { type PageState, pageState } from './keeper/page.js';
import { openSink } from './keeper/sink.js';
import type { LivePolicy } from './policy/live.js';
import { openConnection } from './redis/connection.js';
import { monotonicMs } from './redis/deadline.js';
import type { Settings } from './settings.js';
import { followFleetFormat } from './store/fleet-format.js';
import type { Losses } from './store/losses.js';
import { type Monitor, startMonitor } from './store/monitor.js';
import type { Logger } from './telemetry/log.js';
import type { Metrics } from './telemetry/metrics.js';

/** How often the age of what is known of the fleet is told: finer than anybody scrapes. */
const AGE_MS = 1_000;

/** The role that keeps: it sums up the ledger and tells how the fleet stands. */
export interface KeeperRole {
  readonly fleet: FleetWatch;
  /** What its page shows. */
  page(): PageState;
  close(): Promise<void>;
}

export interface KeeperRoleOptions {
  readonly settings: Settings;
  readonly redis: RedisOptions;
  readonly policy: LivePolicy;
  /** Entries in one batch. */
  readonly batch: number;
  /** No gate in this process says whether Redis is there, and what it loses. */
  readonly alone: boolean;
  readonly losses: Losses;
  readonly metrics: Metrics;
  readonly log: Logger;
}

export function openKeeper(options: KeeperRoleOptions): KeeperRole {
  const { settings, redis, policy, batch, alone, losses, metrics, log } = options;
  const silent = { onUp: () => {}, onDown: () => {} };
  let monitor: Monitor | undefined;
  const connection = openConnection({
    ...redis,
    onUp() {
      monitor?.up();
      void monitor?.look();
    },
    onDown: (why) => monitor?.down(why),
  });
  const sink = settings.ledgerSink === '' ? undefined : openSink(settings.ledgerSink);
  const keeper = startKeeper({
    ...{ connection, policy: policy.current, sink, batch, losses, metrics, log },
  });
  if (alone) {
    monitor = startMonitor({
      connection,
      domains: keeper.domains,
      touch: async () => undefined,
      away: 'the ledger is not summed up',
      ...{ losses, metrics, log },
    });
  }
  // It writes none itself, but reads what others write.
  const format = alone ? followFleetFormat(connection, log) : undefined;
  const fleet = watchFleet({
    connection: openConnection({ ...redis, ...silent }),
    policy: policy.current,
    log,
    onFleet: (found) => showFleet(found, metrics),
  });
  const news = startNews({
    ...{ connection, policy: policy.current, followPolicy: policy.follow },
    ...{ fleet: fleet.current, metrics, log },
  });
  const startedMs = monotonicMs();
  const sinceS = (ms: number) => (monotonicMs() - ms) / 1000;
  const tellAge = () => {
    const read = fleet.current();
    // What was never read is not fresh, however short this has run.
    metrics.fleetAge.set(read ? sinceS(read.readMs) : Number.POSITIVE_INFINITY);
  };
  tellAge();
  const age = setInterval(tellAge, AGE_MS);
  age.unref();
  return {
    fleet,
    page() {
      const { timezone } = policy.current();
      const read = fleet.current();
      const silentS = sinceS(read?.readMs ?? startedMs);
      return pageState(read, news.denials(Date.now()), timezone, silentS);
    },
    async close() {
      clearInterval(age);
      monitor?.close();
      await format?.close();
      await news.close();
      await Promise.all([fleet.close(), keeper.close()]);
    },
  };
}
