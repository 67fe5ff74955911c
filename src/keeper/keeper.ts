import type { Policy } from '../policy/policy.js';
import type { Connection } from '../redis/connection.js';
import { AHEAD_MS } from '../report/ledger-notes.js';
import { newFolder } from '../store/commit.js';
import type { Logger } from '../telemetry/log.js';
import type { Metrics } from '../telemetry/metrics.js';
import { type DomainLook, type KeeperParts, keepDomain } from './domain.js';
import { domainsOf } from './domains.js';
import { startRounds } from './rounds.js';
import type { Sink } from './sink.js';
import { Turns } from './turn.js';

/** Soon enough that a report is never old, and little work where nothing happens. */
const IDLE_MS = 1_000;

/** Past this a round over all domains takes seconds, which reports of a keeper are then behind. */
const MANY_DOMAINS = 10_000;

/** Looks after the ledgers: sums them up, runs holds out, writes the sink, trims. */
export interface Keeper {
  /** The domains that it looks after. */
  domains(): readonly string[];
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
  const turns = new Turns(folder);
  const parts: KeeperParts = { ...options, folder, turns };
  const nextOpen = new Map<string, number>();
  let domains: readonly string[] = [];
  let saidAhead = false;
  let saidMany = false;

  function sayMany(count: number): void {
    metrics.ledgerDomains.set(count);
    const many = count > MANY_DOMAINS;
    if (many && !saidMany) {
      log.warn(
        { domains: count },
        'there are so many domains that a round over all of them takes seconds, and as late are spend, holds that run out, and alerts; if agents name the field that the domains are of, pin it (TOLLGATE_TEAM_ID and the like)',
      );
    }
    saidMany = many;
  }

  function sayAhead(aheadS: number): void {
    metrics.ledgerAhead.set(aheadS);
    const ahead = aheadS * 1000 > AHEAD_MS;
    if (ahead && !saidAhead) {
      log.error(
        { ahead_s: Math.round(aheadS) },
        'the clock of Redis was put back behind entries of the ledger: what is recorded until it has caught up counts under the time of the newest, so reports about today lack it',
      );
    }
    saidAhead = ahead;
  }

  async function look(isClosed: () => boolean): Promise<number> {
    if (!connection.ready()) return IDLE_MS;
    const looks: DomainLook[] = [];
    domains = await domainsOf(connection, policy());
    turns.keepOnly(new Set(domains));
    sayMany(domains.length);
    for (const domain of domains) {
      if (isClosed()) return IDLE_MS;
      const found = await keepDomain(parts, domain, nextOpen.get(domain) ?? 0);
      if (found.nextOpen > 0) nextOpen.set(domain, found.nextOpen);
      else nextOpen.delete(domain);
      looks.push(found);
    }
    const most = (of: (found: DomainLook) => number) => Math.max(0, ...looks.map(of));
    const sum = (of: (found: DomainLook) => number) => looks.reduce((all, it) => all + of(it), 0);
    metrics.ledgerLag.set(most(({ lagS }) => lagS));
    sayAhead(most(({ aheadS }) => aheadS));
    metrics.ledgerSinkLag.set(most(({ sinkLagS }) => sinkLagS));
    metrics.ledgerOpenHolds.set(sum(({ openHolds }) => openHolds));
    metrics.ledgerAttributes.set(sum(({ attributes }) => attributes));
    return looks.some(({ more }) => more) ? 0 : IDLE_MS;
  }

  const rounds = startRounds(look, IDLE_MS, (error) => {
    // Not where it is Redis that has gone: that is said already.
    if (!connection.ready()) return;
    log.error({ err: error }, 'the ledger could not be summed up; it is tried again');
  });
  return {
    domains: () => domains,
    async close() {
      await rounds.close();
      connection.close();
    },
  };
}
