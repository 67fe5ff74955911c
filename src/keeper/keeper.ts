import type { Policy } from '../policy/policy.js';
import type { Connection } from '../redis/connection.js';
import { monotonicMs } from '../redis/deadline.js';
import { newFolder } from '../store/commit.js';
import type { Losses } from '../store/losses.js';
import type { Logger } from '../telemetry/log.js';
import type { Metrics } from '../telemetry/metrics.js';
import { type KeeperParts, keepDomain } from './domain.js';
import { domainsOf } from './domains.js';
import { eachDomain } from './each-domain.js';
import { Looks } from './looks.js';
import { startRounds } from './rounds.js';
import type { Sink } from './sink.js';
import { Turns } from './turn.js';
import { createWarnings } from './warnings.js';

/** Soon enough that a report is never old, and little work where nothing happens. */
const IDLE_MS = 1_000;

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
  readonly losses: Losses;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** Any number may run at once, on any machines: they cost each other a little work, and never a sum. */
export function startKeeper(options: KeeperOptions): Keeper {
  const { connection, policy, metrics, log } = options;
  const folder = newFolder();
  const turns = new Turns(folder);
  const parts: KeeperParts = { ...options, folder, turns };
  const looks = new Looks();
  let domains: readonly string[] = [];
  const warnings = createWarnings(metrics, log);

  async function lookAtAll(isClosed: () => boolean): Promise<number> {
    let more = false;
    domains = await domainsOf(connection, policy());
    turns.keepOnly(new Set(domains));
    warnings.domains(domains.length);
    looks.expect(domains, monotonicMs());
    await eachDomain(domains, isClosed, async (domain) => {
      const found = await keepDomain(parts, domain, looks.of(domain).nextOpen);
      looks.done(domain, found, monotonicMs());
      more ||= found.more;
    });
    warnings.ahead(looks.aheadS());
    warnings.stays(looks.staying());
    return more ? 0 : IDLE_MS;
  }

  async function look(isClosed: () => boolean): Promise<number> {
    const startedMs = monotonicMs();
    try {
      return connection.ready() ? await lookAtAll(isClosed) : IDLE_MS;
    } finally {
      // Also where something went wrong: nothing looks as if it were well that is not.
      if (!isClosed()) looks.show(metrics, startedMs, monotonicMs());
    }
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
