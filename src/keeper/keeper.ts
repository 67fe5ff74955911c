import type { Policy } from '../policy/policy.js';
import type { Connection } from '../redis/connection.js';
import { newFolder } from '../store/commit.js';
import { DOMAINS_KEY } from '../store/keys.js';
import type { Logger } from '../telemetry/log.js';
import type { Metrics } from '../telemetry/metrics.js';
import { Alerts } from './alerts/alerts.js';
import { type DomainLook, type KeeperParts, keepDomain, redisMs } from './domain.js';
import { startRounds } from './rounds.js';
import type { Sink } from './sink.js';
import { Turns } from './turn.js';
import { WATCH_MS, Watch } from './watch.js';

/** Soon enough that a report is never old, and little work where nothing happens. */
const TEND_MS = 1_000;

/** Domains of one Redis that are looked after: a look at each takes some milliseconds. */
const MAX_DOMAINS = 10_000;

/** Looks after the ledgers: sums them up, runs holds out, writes the sink, trims; and tells people what they say. */
export interface Keeper {
  /** Stops when the look that is under way is over; within the silence timeout of the connection. */
  close(): Promise<void>;
}

export interface KeeperOptions {
  /** One of its own: what it reads must not make a decision wait. */
  readonly connection: Connection;
  policy(): Policy;
  readonly sink: Sink | undefined;
  /** Entries in one batch: BATCH, or EMBEDDED_BATCH. */
  readonly batch: number;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** Any number may run at once, on any machines: they cost each other a little work, and never a sum. */
export function startKeeper(options: KeeperOptions): Keeper {
  const { connection, policy, metrics, log } = options;
  const folder = newFolder();
  const parts: KeeperParts = { ...options, folder, turns: new Turns(folder) };
  const nextOpen = new Map<string, number>();
  const alerts = new Alerts({ connection, policy, aboutAgent: () => undefined, metrics, log });
  const watch = new Watch(connection, (domain, entries, lastId, nowMs) =>
    alerts.onEntries(domain, entries, lastId, nowMs),
  );

  async function tend(isClosed: () => boolean): Promise<number> {
    if (!connection.ready()) return TEND_MS;
    const looks: DomainLook[] = [];
    for (const domain of await domainsOf(connection, policy())) {
      if (isClosed()) return TEND_MS;
      const found = await keepDomain(parts, domain, nextOpen.get(domain) ?? 0);
      if (found.nextOpen > 0) nextOpen.set(domain, found.nextOpen);
      else nextOpen.delete(domain);
      looks.push(found);
    }
    const most = (of: (found: DomainLook) => number) => Math.max(0, ...looks.map(of));
    const sum = (of: (found: DomainLook) => number) => looks.reduce((all, it) => all + of(it), 0);
    metrics.ledgerLag.set(most(({ lagS }) => lagS));
    metrics.ledgerSinkLag.set(most(({ sinkLagS }) => sinkLagS));
    metrics.ledgerOpenHolds.set(sum(({ openHolds }) => openHolds));
    metrics.ledgerAttributes.set(sum(({ attributes }) => attributes));
    return looks.some(({ more }) => more) ? 0 : TEND_MS;
  }

  async function follow(isClosed: () => boolean): Promise<number> {
    if (!connection.ready()) return WATCH_MS;
    const nowMs = await redisMs(connection);
    const domains = await domainsOf(connection, policy());
    watch.keepOnly(new Set(domains));
    for (const domain of domains) {
      if (isClosed()) return WATCH_MS;
      await watch.look(domain, nowMs);
      await alerts.look(domain, nowMs);
    }
    return WATCH_MS;
  }

  /** Not where it is Redis that has gone: that is said already. */
  const sayOf = (message: string) => (error: unknown) => {
    if (connection.ready()) log.error({ err: error }, message);
  };
  const rounds = [
    startRounds(tend, TEND_MS, sayOf('the ledger could not be summed up; it is tried again')),
    startRounds(
      follow,
      WATCH_MS,
      sayOf('the ledger could not be read for alerts; it is tried again'),
    ),
  ];
  return {
    async close() {
      alerts.close();
      await Promise.all(rounds.map((one) => one.close()));
      connection.close();
    },
  };
}

/** The domains that gates have named, and the one that the policy names. */
async function domainsOf(connection: Connection, { domain }: Policy): Promise<string[]> {
  const named = (await connection.command('SMEMBERS', DOMAINS_KEY)) as string[];
  const domains = new Set(named);
  if ('name' in domain) domains.add(domain.name);
  return [...domains].slice(0, MAX_DOMAINS);
}
