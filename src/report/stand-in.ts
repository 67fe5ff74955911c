import { hourStartsMs } from '../policy/days.js';
import { COMPARED_DAYS } from './comparison.js';
import type { Period } from './period.js';

const DAY_MS = 86_400_000;

/**
 * How what is known of the time before a period stands for as long a time: whole, or each day for those of its weekday.
 * Few agents work the same on all seven, so an average day of half a week would be one of a week that never was.
 */
export interface StandIn {
  /** How many times each of its days counts, by its start; whole numbers. */
  readonly days: ReadonlyMap<number, number>;
  /** Hours that stand for a day of the period that goes on, up to a moment; each counts `over` times. */
  readonly hours: readonly number[];
  readonly untilMs: number;
  /** So many times altogether: divided by it, it is as much as the period. */
  readonly over: number;
}

/** @param sinceMs when the first day begins that is known */
export function standInFor(
  period: Period,
  before: Period,
  sinceMs: number,
  timezone: string,
  nowMs: number,
): StandIn {
  if (sinceMs <= before.fromMs) {
    const days = new Map(before.days.map((ms) => [ms, 1]));
    return { days, hours: before.hours, untilMs: before.untilMs, over: 1 };
  }
  const known = before.days.filter((ms) => ms >= sinceMs);
  // Days of 23 and 25 hours are rounded away.
  const weekday = (ms: number) => Math.round((ms - period.fromMs) / DAY_MS) % 7;
  const alike = (ms: number) => known.filter((one) => (weekday(ms) - weekday(one)) % 7 === 0);
  const [whole, today] = period.soFar
    ? [period.days.slice(0, -1), period.days.at(-1)]
    : [period.days, undefined];
  const wanted = whole.map((ms) => alike(ms));
  const hours =
    today === undefined ? NO_HOURS : hoursLike(period, today, alike(today), timezone, nowMs);
  const over = wanted.reduce((all, { length }) => leastCommonMultiple(all, length), 1);
  const days = new Map<number, number>();
  for (const some of wanted) {
    for (const ms of some) days.set(ms, (days.get(ms) ?? 0) + over / some.length);
  }
  return { days, ...hours, over };
}

const NO_HOURS = { hours: [], untilMs: 0 };

/** Of the last day of its weekday, up to the same time. What has no hours any more is so long that a day is little of it. */
function hoursLike(
  { untilMs }: Period,
  today: number,
  alike: readonly number[],
  timezone: string,
  nowMs: number,
): Pick<StandIn, 'hours' | 'untilMs'> {
  const last = alike.at(-1);
  if (last === undefined || last < nowMs - COMPARED_DAYS * DAY_MS) return NO_HOURS;
  const cutMs = last + (untilMs - today);
  return { hours: hourStartsMs(timezone, last, cutMs), untilMs: cutMs };
}

function leastCommonMultiple(a: number, b: number): number {
  return b === 0 ? a : (a / greatestCommonDivisor(a, b)) * b;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
