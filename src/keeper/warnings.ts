import { AHEAD_MS } from '../report/ledger-notes.js';
import { MAX_ZONES } from '../store/zones.js';
import type { Logger } from '../telemetry/log.js';
import type { Metrics } from '../telemetry/metrics.js';

/** With more domains than this a round over all of them takes seconds. */
const MANY_DOMAINS = 10_000;

/** Domains in one line. */
const MAX_NAMED = 10;

/** Says what makes answers late or wrong, once each time that it begins. */
export interface Warnings {
  domains(count: number): void;
  /** @param aheadS how far the newest entry of a ledger is ahead of the clock of Redis */
  ahead(aheadS: number): void;
  /** @param domains those that are not summed up by the days of the policy, and cannot be */
  stays(domains: readonly string[]): void;
}

export function createWarnings(metrics: Metrics, log: Logger): Warnings {
  let [saidMany, saidAhead, saidStays] = [false, false, false];
  return {
    domains(count) {
      metrics.ledgerDomains.set(count);
      const many = count > MANY_DOMAINS;
      if (many && !saidMany) {
        log.warn(
          { domains: count },
          'there are so many domains that a round over all of them takes seconds, and as late are spend, holds that run out, and alerts; if agents name the field that the domains are of, pin it (TOLLGATE_TEAM_ID and the like)',
        );
      }
      saidMany = many;
    },

    ahead(aheadS) {
      metrics.ledgerAhead.set(aheadS);
      const ahead = aheadS * 1000 > AHEAD_MS;
      if (ahead && !saidAhead) {
        log.error(
          { ahead_s: Math.round(aheadS) },
          'the clock of Redis was put back behind entries of the ledger: what is recorded until it has caught up counts under the time of the newest, so reports about today lack it',
        );
      }
      saidAhead = ahead;
    },

    stays(domains) {
      if (domains.length > 0 && !saidStays) {
        log.error(
          { domains: domains.slice(0, MAX_NAMED) },
          `the policy has changed its timezone more often than is remembered (${MAX_ZONES} times in 14 months): days of spend stay those of the timezone of before; go back to that in the policy, or wait`,
        );
      }
      saidStays = domains.length > 0;
    },
  };
}
