import type { Sums } from '../model/spend.js';
import { comparisonOf, isWhole, sameWeekdays } from './comparison.js';
import { add, dividedSums, type Gathered, scaleSums, sumsUntil, totalOf } from './gather.js';
import type { AgentHistory } from './history.js';
import type { Period } from './period.js';
import type { StandIn } from './stand-in.js';
import type { Unusual } from './unusual.js';

/** What a day was compared with: the same weekdays; or a longer time: the one before it. */
export interface Expectation {
  readonly nano: bigint;
  readonly basis: 'days' | 'before';
  /** All of the period before is known; else what is known of it stands for all, by its weekdays. */
  readonly whole: boolean;
  readonly ratio: number | undefined;
  /** The average of a day like it, or the period before. */
  readonly usual: Gathered;
  /** How many times the period is in `usual`. */
  readonly days: number;
}

/** The rows of a period, added up over its time. */
export function gatherRows({ days, hours }: AgentHistory, period: Period): Gathered {
  const gathered: Gathered = new Map();
  const [inDays, inHours] = [new Set(period.days), new Set(period.hours)];
  for (const { startMs, attributes, sums } of days) {
    if (inDays.has(startMs)) add(gathered, attributes, sums);
  }
  for (const row of hours) {
    if (inHours.has(row.startMs)) add(gathered, row.attributes, sumsUntil(row, period.untilMs));
  }
  return gathered;
}

/** The days that it is compared with, up to the same time; without those that were unusual themselves. */
export function expectedOfDay(
  recent: AgentHistory,
  timezone: string,
  dayMs: number,
  nowMs: number,
  unusual: Unusual | undefined,
): Expectation | undefined {
  if (!unusual) return undefined;
  const comparison = comparisonOf(timezone, dayMs, nowMs);
  const elapsedMs = comparison.untilMs - dayMs;
  const compared = unusual.weeks >= 3 ? sameWeekdays(comparison) : comparison.before;
  const each = compared.map(({ startMs }) => {
    const untilMs = startMs + elapsedMs;
    const gathered: Gathered = new Map();
    for (const row of isWhole(comparison) ? recent.days : recent.hours) {
      if (row.startMs < startMs || row.startMs >= untilMs) continue;
      add(gathered, row.attributes, isWhole(comparison) ? row.sums : sumsUntil(row, untilMs));
    }
    return gathered;
  });
  const spent = each.filter((gathered) => gathered.size > 0);
  const near = spent.filter((gathered) => {
    const cost = totalOf(gathered).costNano;
    return cost <= unusual.expectedNano * 2n && cost * 2n >= unusual.expectedNano;
  });
  const usual: Gathered = new Map();
  const kept = near.length > 0 ? near : spent;
  for (const gathered of kept) for (const [key, sums] of gathered) add(usual, key, sums);
  const { expectedNano, ratio } = unusual;
  const cost = totalOf(usual).costNano;
  return {
    nano: expectedNano,
    basis: 'days',
    whole: true,
    ratio: Number.isFinite(ratio) && expectedNano > 0n ? ratio : undefined,
    usual,
    // As many as make it what was expected, so that its parts add up to that.
    days:
      expectedNano > 0n && cost > 0n
        ? Number(cost) / Number(expectedNano)
        : Math.max(1, kept.length),
  };
}

/** The period before, or what stands for it. */
export function expectedOfPeriod(
  { days, hours }: AgentHistory,
  standIn: StandIn,
  whole: boolean,
  sums: Sums,
): Expectation {
  const usual: Gathered = new Map();
  for (const { startMs, attributes, sums: day } of days) {
    const times = standIn.days.get(startMs);
    if (times !== undefined) add(usual, attributes, scaleSums(day, times));
  }
  const inHours = new Set(standIn.hours);
  for (const row of hours) {
    if (!inHours.has(row.startMs)) continue;
    add(usual, row.attributes, scaleSums(sumsUntil(row, standIn.untilMs), standIn.over));
  }
  const nano = dividedSums(totalOf(usual), standIn.over).costNano;
  const ratio = nano > 0n ? Number(sums.costNano) / Number(nano) : undefined;
  return { nano, basis: 'before', whole, ratio, usual, days: standIn.over };
}
