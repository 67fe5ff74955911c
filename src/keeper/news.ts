import type { Policy } from '../policy/policy.js';
import type { Connection } from '../redis/connection.js';
import { redisMs } from '../redis/time.js';
import type { Logger } from '../telemetry/log.js';
import type { Metrics } from '../telemetry/metrics.js';
import { Alerts } from './alerts/alerts.js';
import { domainsOf } from './domains.js';
import { eachDomain } from './each-domain.js';
import { agentIn } from './fleet/agent.js';
import type { Fleet } from './fleet/fleet.js';
import { Recent, type RecentDenial } from './recent.js';
import { startRounds } from './rounds.js';
import { WATCH_MS, Watch } from './watch.js';

/** Follows the ledgers for what people want to know at once: over webhooks, and on the page. */
export interface News {
  /** The denials of the last quarter of an hour, the latest first. */
  denials(nowMs: number): RecentDenial[];
  close(): Promise<void>;
}

export interface NewsOptions {
  readonly connection: Connection;
  policy(): Policy;
  /** Calls at once, and whenever the policy changes. */
  followPolicy(follower: () => void): void;
  /** How the fleet stands, as far as it is known. */
  fleet(): Fleet | undefined;
  readonly metrics: Metrics;
  readonly log: Logger;
}

export function startNews(options: NewsOptions): News {
  const { connection, policy, followPolicy, fleet, metrics, log } = options;
  const recent = new Recent();
  const alerts = new Alerts({
    ...{ connection, policy, metrics, log },
    aboutAgent: (agent) => agentIn(fleet(), agent),
  });
  followPolicy(() => alerts.sayRoutes());
  const from = (domain: string, nowMs: number) => alerts.toldUpTo(domain, nowMs);
  const watch = new Watch(connection, from, async (domain, entries, lastId, nowMs) => {
    recent.add(domain, entries);
    await alerts.onEntries(domain, entries, lastId, nowMs);
  });

  async function follow(isClosed: () => boolean): Promise<number> {
    if (!connection.ready()) return WATCH_MS;
    const nowMs = await redisMs(connection);
    const domains = await domainsOf(connection, policy());
    watch.keepOnly(new Set(domains));
    await eachDomain(domains, isClosed, async (domain) => {
      await watch.look(domain, nowMs);
      await alerts.look(domain, nowMs);
    });
    return WATCH_MS;
  }

  const rounds = startRounds(follow, WATCH_MS, (error) => {
    // Not where it is Redis that has gone: that is said already.
    if (!connection.ready()) return;
    log.error({ err: error }, 'the ledger could not be read for alerts; it is tried again');
  });
  return {
    denials: (nowMs) => recent.list(nowMs),
    close() {
      alerts.close();
      return rounds.close();
    },
  };
}
