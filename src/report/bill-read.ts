import { addSums, noSums, type SpendAttributes, type Sums } from '../model/spend.js';
import { dayStartMs, dayStartsMs } from '../policy/days.js';
import type { Spend } from '../store/spend.js';
import { add, type Gathered, scaleSums, sumsUntil } from './gather.js';
import type { Period } from './period.js';
import type { StandIn } from './stand-in.js';

const DAY_MS = 86_400_000;

/** Growth is looked for in so many whole weeks. */
const WEEKS = 8;

/** One agent as it is read. */
export interface Read {
  readonly now: Gathered;
  /** What stands for the period before, so many times as it says. */
  readonly earlier: Gathered;
  /** What is known of it. */
  readonly before: Sums;
  readonly daily: Map<number, bigint>;
  readonly weekly: bigint[];
  /** The first and the last day that was read on which it made a call. */
  firstMs: number;
  lastMs: number;
}

const NEVER = { firstMs: Number.POSITIVE_INFINITY, lastMs: Number.NEGATIVE_INFINITY };

/** The days of the last whole weeks up to the end of the period, as far as they are wholly known. */
export function weeksOf(
  period: Period,
  timezone: string,
  nowMs: number,
  sinceMs: number,
): number[][] {
  const endMs = period.soFar ? dayStartMs(timezone, nowMs) : period.toMs;
  // Two days more than are needed, for days of 25 hours.
  const days = dayStartsMs(timezone, endMs - (WEEKS * 7 + 2) * DAY_MS, endMs).slice(-WEEKS * 7);
  const weeks = Array.from({ length: WEEKS }, (_, week) => days.slice(week * 7, week * 7 + 7));
  return weeks.filter(([first = 0]) => first + DAY_MS > sinceMs);
}

/** Reads the days of both periods and of the weeks at once. */
export async function readAgents(
  spend: Spend,
  period: Period,
  before: Period,
  standIn: StandIn,
  weeks: readonly (readonly number[])[],
): Promise<Map<string, Read>> {
  const read = new Map<string, Read>();
  const of = ({ agent }: SpendAttributes): Read => {
    let found = read.get(agent);
    if (!found) {
      const weekly = weeks.map(() => 0n);
      const [now, earlier, daily] = [new Map(), new Map(), new Map()];
      found = { now, earlier, before: noSums(), daily, weekly, ...NEVER };
      read.set(agent, found);
    }
    return found;
  };
  const weekOf = new Map(weeks.flatMap((days, week) => days.map((ms) => [ms, week] as const)));
  const [inPeriod, inBefore] = [new Set(period.days), new Set(before.days)];
  const starts = [...new Set([...period.days, ...before.days, ...weekOf.keys()])];
  for await (const rows of spend.rows('day', starts)) {
    for (const { startMs, attributes, sums } of rows) {
      const agent = of(attributes);
      const week = weekOf.get(startMs);
      if (sums.calls > 0) {
        agent.firstMs = Math.min(agent.firstMs, startMs);
        agent.lastMs = Math.max(agent.lastMs, startMs);
      }
      agent.daily.set(startMs, (agent.daily.get(startMs) ?? 0n) + sums.costNano);
      if (week !== undefined) agent.weekly[week] = (agent.weekly[week] ?? 0n) + sums.costNano;
      if (inBefore.has(startMs)) addSums(agent.before, sums);
      const times = standIn.days.get(startMs);
      if (times !== undefined) add(agent.earlier, attributes, scaleSums(sums, times));
      if (inPeriod.has(startMs)) add(agent.now, attributes, sums);
    }
  }
  const [hoursBefore, hoursOfStandIn] = [new Set(before.hours), new Set(standIn.hours)];
  const hours = [...new Set([...before.hours, ...standIn.hours])];
  if (hours.length === 0) return read;
  for await (const rows of spend.rows('hour', hours)) {
    for (const row of rows) {
      const agent = of(row.attributes);
      const { startMs, attributes, sums } = row;
      if (hoursBefore.has(startMs)) addSums(agent.before, sumsUntil(row, before.untilMs));
      if (hoursOfStandIn.has(startMs)) {
        const until = sumsUntil(row, standIn.untilMs);
        add(agent.earlier, attributes, scaleSums(until, standIn.over));
      }
      if (sums.calls > 0) agent.firstMs = Math.min(agent.firstMs, startMs);
    }
  }
  return read;
}
