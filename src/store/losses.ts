import type { Connection } from '../redis/connection.js';
import { redisMs } from '../redis/time.js';
import type { Logger } from '../telemetry/log.js';
import type { Metrics } from '../telemetry/metrics.js';
import { readFoldState } from './fold-state.js';
import { bornKey, foldKey } from './keys.js';
import { entryAfter, entryUpTo, lacksEntry, lastEntryId } from './ledger-end.js';

/** A birth that no sidecar has looked at for a week is of a domain that is gone. */
const BORN_TTL_S = 7 * 86_400;

/** Domains that are remembered, those that were looked at last: 100 bytes each. */
const MAX_DOMAINS = 20_000;

/** Gaps in a ledger that are remembered, 40 bytes each: a restore or a failover is rare. */
const MAX_GAPS = 100;

/** What Redis has lost, as one process sees it: all of a domain, or what was written last. */
export interface Losses {
  /**
   * Compares a domain with what was seen of it, and says what it lacks. Before anything else that changes it: what is
   * trimmed is missed no more.
   * @param withBirth looks also whether all is gone
   * @returns the id of the newest entry of its ledger; undefined if there is none
   */
  look(connection: Connection, domain: string, withBirth: boolean): Promise<string | undefined>;
}

/** Of one domain: the value that was made when it was, and the newest entry. */
interface Seen {
  born?: string;
  last?: string | undefined;
}

export function createLosses(metrics: Metrics, log: Logger): Losses {
  const domains = new Map<string, Seen>();
  let before: Promise<unknown> = Promise.resolve();

  function seenOf(domain: string): Seen {
    const seen = domains.get(domain) ?? {};
    domains.delete(domain);
    domains.set(domain, seen);
    const [oldest] = domains.keys();
    if (domains.size > MAX_DOMAINS && oldest !== undefined) domains.delete(oldest);
    return seen;
  }

  /** @returns whether the keys are other ones */
  async function isReborn(connection: Connection, domain: string, seen: Seen): Promise<boolean> {
    const key = bornKey(domain);
    await connection.command('SET', key, String(Date.now()), 'NX');
    await connection.command('EXPIRE', key, BORN_TTL_S);
    const born = String(await connection.command('GET', key));
    const reborn = seen.born !== undefined && seen.born !== born;
    seen.born = born;
    return reborn;
  }

  async function lookNow(connection: Connection, domain: string, withBirth: boolean) {
    const seen = seenOf(domain);
    const { last } = seen;
    // A snapshot has its birth in it, but not what came after.
    const lacks = last !== undefined && (await lacksEntry(connection, domain, last));
    if ((withBirth || lacks) && (await isReborn(connection, domain, seen))) {
      metrics.storeResets.inc();
      log.error(
        { domain },
        'Redis has lost its keys (flushed, restarted without persistence, restored or replaced): every window starts from empty',
      );
    } else if (lacks) {
      await keepGap(connection, domain, last);
      metrics.storeResets.inc();
      log.error(
        { domain, lacks: last },
        'Redis has gone back (restored from a snapshot, or failed over to a replica that was behind): it lacks the last of what was charged and of the ledger; tollgate import of a TOLLGATE_LEDGER_SINK gives the spend back',
      );
    }
    seen.last = await lastEntryId(connection, domain);
    return seen.last;
  }

  return {
    look(connection, domain, withBirth) {
      // One after another: two would both say the same.
      const look = before.then(() => lookNow(connection, domain, withBirth));
      before = look.catch(() => {});
      return look;
    },
  };
}

/**
 * Remembers where the ledger lacks entries: after the newest that is older than the one it lacks, and before the next,
 * since what comes is added at the end. Where all is trimmed, what is folded is what it had.
 */
async function keepGap(connection: Connection, domain: string, lacked: string): Promise<void> {
  const now = `${await redisMs(connection)}-0`;
  const to = (await entryAfter(connection, domain, lacked)) ?? now;
  const from =
    (await entryUpTo(connection, domain, lacked)) ??
    (await readFoldState(connection, domain)).position;
  await connection.run('gap', [foldKey(domain)], [from, to, MAX_GAPS]);
}
