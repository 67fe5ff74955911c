import { addSums, noSums, type SpendAttributes, type Sums } from '../../model/spend.js';
import { calendarEdges } from '../../policy/calendar.js';
import { dayStartMs, dayStartsMs } from '../../policy/days.js';
import { LEDGER_DAYS } from '../../policy/ledger.js';
import type { Connection } from '../../redis/connection.js';
import { readFoldState } from '../../store/fold-state.js';
import type { Spend } from '../../store/spend.js';
import { readSpend } from '../../store/spend-reader.js';
import type { Who } from './fleet.js';

/** Closed days change only when something is imported: they are read again so often. */
const CLOSED_MS = 3_600_000;

/** After midnight the last entries of the day before are summed up late: so often, and for so long. */
const LATE_CLOSED_MS = 60_000;
const LATE_MS = 900_000;

/** The spend of one domain. */
export interface DomainSpend {
  readonly today: ReadonlyMap<Who, Sums>;
  /** Of the days of the month that are over. */
  readonly closed: ReadonlyMap<Who, bigint>;
}

/** Reads the spend of one domain again and again, and only what may have changed. */
export interface SpendWatch {
  read(timezone: string, nowMs: number): Promise<DomainSpend>;
  readonly spend: Spend;
}

export function watchSpend(
  connection: Connection,
  domain: string,
  timezone: () => string,
): SpendWatch {
  const spend = readSpend(connection, domain, { days: LEDGER_DAYS, timezone });
  const whos = new Map<string, Who>();
  /** By the attributes, which are the same object each time. */
  const known = new Map<SpendAttributes, Who>();
  let today = { commit: '', dayMs: 0, timezone: '', sums: new Map<Who, Sums>() };
  let closed = { dayMs: 0, timezone: '', readMs: 0, nano: new Map<Who, bigint>() };

  function whoOf(attributes: SpendAttributes): Who {
    const same = known.get(attributes);
    if (same) return same;
    const { agent, team, costCentre, tool, model } = attributes;
    const key = [agent, team, costCentre, tool, model].join('\n');
    const who = whos.get(key) ?? Object.freeze({ agent, team, costCentre, tool, model });
    whos.set(key, who);
    known.set(attributes, who);
    return who;
  }

  async function readToday(commit: string, timezone: string, dayMs: number): Promise<void> {
    const sums = new Map<Who, Sums>();
    for await (const rows of spend.rows('day', [dayMs])) {
      for (const { attributes, sums: more } of rows) {
        const who = whoOf(attributes);
        const sum = sums.get(who);
        if (sum) addSums(sum, more);
        else sums.set(who, { ...noSums(), ...more });
      }
    }
    today = { commit, dayMs, timezone, sums };
  }

  async function readClosed(timezone: string, dayMs: number, nowMs: number): Promise<void> {
    const [, monthUs] = calendarEdges('month', timezone, nowMs * 1000);
    const days = dayStartsMs(timezone, monthUs / 1000, dayMs);
    const nano = new Map<Who, bigint>();
    if (days.length > 0) {
      for await (const rows of spend.rows('day', days)) {
        for (const { attributes, sums } of rows) {
          const who = whoOf(attributes);
          nano.set(who, (nano.get(who) ?? 0n) + sums.costNano);
        }
      }
    }
    closed = { dayMs, timezone, readMs: nowMs, nano };
  }

  return {
    spend,
    async read(timezone, nowMs) {
      const dayMs = dayStartMs(timezone, nowMs);
      // Before the rows: what is folded meanwhile is read with the next look.
      const { commit } = await readFoldState(connection, domain);
      const sameDay = today.dayMs === dayMs && today.timezone === timezone;
      if (!sameDay || today.commit !== commit) await readToday(commit, timezone, dayMs);
      const patienceMs = nowMs - dayMs < LATE_MS ? LATE_CLOSED_MS : CLOSED_MS;
      const sameClosed = closed.dayMs === dayMs && closed.timezone === timezone;
      if (!sameClosed || nowMs - closed.readMs >= patienceMs) {
        await readClosed(timezone, dayMs, nowMs);
      }
      return { today: today.sums, closed: closed.nano };
    },
  };
}
