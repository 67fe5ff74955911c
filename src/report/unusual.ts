import { type Comparison, comparisonOf, type Day, isWhole } from './comparison.js';
import { deviationOf, WEEKDAY_DAYS } from './deviation.js';
import { median } from './median.js';

const HOUR_MS = 3_600_000;

/** A day is unusual if it is at least so many times what is expected, */
export const MIN_RATIO = 2;
/** so many deviations above it, since some agents double every other week, */
const MIN_Z = 4;
/** and by so much of a normal day, since nobody wants to hear of cents. */
export const MIN_EXCESS = 0.1;

/** An hour is part of it from half-way between what is expected and the least unusual multiple. */
const HOUR_RATIO = (1 + MIN_RATIO) / 2;

/**
 * The least that a deviation counts as, in shares of what is expected and of a normal day: a history
 * without any noise has none. So small that it asks nothing which the ratio and the excess do not.
 */
const MIN_SPREAD_OF_EXPECTED = 0.1;
const MIN_SPREAD_OF_NORMAL = MIN_EXCESS / MIN_Z;

/** Under this there is nothing to compare with: a first day, its second, and a weekend. */
const MIN_DAYS = 3;
/** How the spend of one day compares with what was to be expected. Money in nano-dollars. */
export interface Unusual {
  readonly actualNano: bigint;
  /** What had been spent after as many hours on the days that it is compared with. */
  readonly expectedNano: bigint;
  /** Actual over expected: Infinity if nothing was expected, 1 if nothing was spent either. */
  readonly ratio: number;
  /** How many deviations it is above what was expected. */
  readonly z: number;
  readonly excessNano: bigint;
  /** What is spent on a whole day on which anything is. */
  readonly normalNano: bigint;
  /** From so much on it is unusual. */
  readonly unusualFromNano: bigint;
  readonly unusual: boolean;
  /** Whole weeks of history that it rests on: 6 at most. Under 3 all days are compared, not the weekday. */
  readonly weeks: number;
  /** Days of history that it rests on: 42 at most. */
  readonly days: number;
  /** When the hour began from which it spent too much; undefined if it did not, or no hours are given. */
  readonly firstHourMs: number | undefined;
}

/** What one agent has spent, by the starts of days and of hours. What is not in it is nothing. */
export interface History {
  readonly days: ReadonlyMap<number, bigint>;
  /** Needed of the compared days if the day is not over; else only for the first hour. */
  readonly hours: ReadonlyMap<number, bigint>;
}

/**
 * Was a day unusual? Expected is what had been spent at the same time of the same weekday: the median
 * over up to six weeks before. It is good for agents with dozens of calls a day, whose days of four times the
 * spend it finds; of a few large calls a day four times is no wonder, and up to half of such days are not found.
 * @param hourly by the starts of hours (policy/days): of this day, and of six weeks before
 * @param nowMs of a day that is not over, only what is before it counts
 * @returns undefined if there are under three days of history
 */
export function unusualDay(
  hourly: ReadonlyMap<number, bigint>,
  timezone: string,
  dayMs: number,
  nowMs: number,
): Unusual | undefined {
  const comparison = comparisonOf(timezone, dayMs, nowMs);
  return unusualIn(comparison, { days: dailyOf(hourly, comparison), hours: hourly });
}

/** Totals of the days of a comparison. */
export function dailyOf(
  hourly: ReadonlyMap<number, bigint>,
  { day, before }: Comparison,
): Map<number, bigint> {
  return new Map([...before, day].map((one) => [one.startMs, sumUntil(hourly, one, one.endMs)]));
}

/** As {@link unusualDay}, where the days are known. */
export function unusualIn(comparison: Comparison, history: History): Unusual | undefined {
  const { day, untilMs, before } = comparison;
  const totals = before.map(({ startMs }) => Number(history.days.get(startMs) ?? 0n));
  const first = totals.findIndex((total) => total !== 0);
  const days = first < 0 ? 0 : before.length - first;
  if (days < MIN_DAYS) return undefined;

  const { days: compared, usual } = comparedDays(comparison, first, totals);
  const expected = median(compared.map((one) => spentBy(history, comparison, one)));
  const normalDay = median(totals.filter((total) => total !== 0));
  const actualNano = isWhole(comparison)
    ? (history.days.get(day.startMs) ?? 0n)
    : sumUntil(history.hours, day, untilMs);
  const expectedNano = BigInt(Math.round(expected));
  const excessNano = actualNano - expectedNano;
  const excess = Number(excessNano);
  const ratio = ratioOf(Number(actualNano), expected);
  const floor = Math.max(MIN_SPREAD_OF_EXPECTED * expected, MIN_SPREAD_OF_NORMAL * normalDay);
  const deviation = deviationOf(totals.slice(first), usual, normalDay);
  const scale = Math.max(floor, deviation);
  const z = excess === 0 ? 0 : excess / scale;
  const least = Math.max(MIN_EXCESS * normalDay, (MIN_RATIO - 1) * expected, MIN_Z * scale);
  const unusualFromNano = BigInt(Math.ceil(expected + least));
  const unusual = actualNano >= unusualFromNano;
  return {
    actualNano,
    expectedNano,
    ratio,
    z,
    excessNano,
    normalNano: BigInt(Math.round(normalDay)),
    unusualFromNano,
    unusual,
    weeks: Math.floor(days / 7),
    days,
    firstHourMs: unusual ? firstHour(history.hours, comparison, compared) : undefined,
  };
}

/**
 * The same day of the week, in each week of history. A shorter history has too few of them: then all days
 * on which anything was spent, or the same weekday if more was spent on it, so that one who works on Mondays
 * is compared with Mondays. `usual` is what they came to as whole days.
 */
function comparedDays(
  { before }: Comparison,
  first: number,
  totals: readonly number[],
): { days: Day[]; usual: number } {
  const middle = (keep: (at: number) => boolean) => {
    const days = before.filter((_, at) => at >= first && keep(at));
    return { days, usual: median(totals.filter((_, at) => at >= first && keep(at))) };
  };
  const weekdays = middle((at) => (before.length - at) % 7 === 0);
  if (before.length - first >= WEEKDAY_DAYS) return weekdays;
  const all = middle((at) => totals[at] !== 0);
  return weekdays.usual > all.usual ? weekdays : all;
}

/** What had been spent on a day after as much of it as is looked at. */
function spentBy({ days, hours }: History, comparison: Comparison, day: Day): number {
  if (isWhole(comparison)) return Number(days.get(day.startMs) ?? 0n);
  const elapsedMs = comparison.untilMs - comparison.day.startMs;
  const untilMs = Math.min(day.startMs + elapsedMs, day.endMs);
  const hourMs = untilMs - ((untilMs - day.startMs) % HOUR_MS);
  // Of the hour that goes on, its part.
  const part = Number(hours.get(hourMs) ?? 0n) * ((untilMs - hourMs) / HOUR_MS);
  return Number(sumUntil(hours, day, hourMs)) + part;
}

/** Sum of the hours of a day that begin before a moment. */
function sumUntil(hourly: ReadonlyMap<number, bigint>, day: Day, untilMs: number): bigint {
  let sum = 0n;
  for (let ms = day.startMs; ms < untilMs; ms += HOUR_MS) sum += hourly.get(ms) ?? 0n;
  return sum;
}

function ratioOf(actual: number, expected: number): number {
  if (expected > 0) return actual / expected;
  return actual > expected ? Number.POSITIVE_INFINITY : 1;
}

/**
 * Where the stretch of hours begins that has the most above what hours may have: a busy hour at night, after which all was well, does not begin it.
 */
function firstHour(
  hourly: ReadonlyMap<number, bigint>,
  { day, untilMs }: Comparison,
  compared: readonly Day[],
): number | undefined {
  let most = 0;
  let found: number | undefined;
  let above = 0;
  let beganMs = day.startMs;
  for (let ms = day.startMs; ms < untilMs; ms += HOUR_MS) {
    const sinceMs = ms - day.startMs;
    const usual = compared.map(({ startMs }) => Number(hourly.get(startMs + sinceMs) ?? 0n));
    if (above <= 0) {
      above = 0;
      beganMs = ms;
    }
    above += Number(hourly.get(ms) ?? 0n) - HOUR_RATIO * median(usual);
    if (above > most) {
      most = above;
      found = beganMs;
    }
  }
  return found;
}
