import { dayStartsMs } from '../policy/days.js';

const DAY_MS = 86_400_000;

/** How many days back a day is compared: six weeks, so that a holiday or two are outvoted. */
export const COMPARED_DAYS = 42;

/** One day of the timezone: 23 or 25 hours long where its clocks change. */
export interface Day {
  readonly startMs: number;
  readonly endMs: number;
}

/** A day, and the days that it is compared with. */
export interface Comparison {
  readonly day: Day;
  /** Up to when the day is looked at: its end, or now if it is not over. */
  readonly untilMs: number;
  /** The six weeks before it, ascending. */
  readonly before: readonly Day[];
}

/** It is worth keeping for many agents: to find the days of a timezone takes milliseconds. */
export function comparisonOf(timezone: string, dayMs: number, nowMs: number): Comparison {
  // Two days more than are needed, for days of 25 hours; two days after it, to see where it ends.
  const fromMs = dayMs - (COMPARED_DAYS + 2) * DAY_MS;
  const starts = dayStartsMs(timezone, fromMs, dayMs + 2 * DAY_MS);
  const at = starts.findLastIndex((startMs) => startMs <= dayMs);
  const days = starts.map((startMs, i) => ({ startMs, endMs: starts[i + 1] ?? startMs }));
  const day = days[at];
  if (!day) throw new Error(`no day of ${timezone} around ${dayMs} ms`);
  return {
    day,
    untilMs: Math.max(day.startMs, Math.min(nowMs, day.endMs)),
    before: days.slice(Math.max(0, at - COMPARED_DAYS), at),
  };
}

/** Is the whole of the day looked at? */
export function isWhole({ day, untilMs }: Comparison): boolean {
  return untilMs === day.endMs;
}

/** The days before it that were the same day of the week, the latest first. */
export function sameWeekdays({ before }: Comparison): Day[] {
  return before.filter((_, i) => (before.length - i) % 7 === 0).reverse();
}
