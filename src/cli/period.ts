import type { Policy } from '../policy/policy.js';
import { dateOf } from '../report/dates.js';
import { type Period, type PeriodOptions, parsePeriod } from '../report/period.js';
import { UsageError } from './command.js';

const text = { type: 'string' } as const;

/** Options of every command that answers about a time. */
export const PERIOD_OPTIONS = { day: text, month: text, from: text, to: text, last: text } as const;

export const PERIOD_HELP = `  --day DATE              a day, as 2026-03-01; or today, or yesterday; beside it is the same weekday before
  --month MONTH           a month, as 2026-03
  --from DATE --to DATE   the days from the one to the other; without --to up to today
  --last 7d               today and the days before it: so many days (d) or weeks (w)`;

/** The period that was asked for, in the timezone of the policy; undefined if none was. */
export function askedPeriod(
  { day, month, from, to, last }: PeriodOptions,
  policy: Policy,
  nowMs: number,
): Period | undefined {
  if ([day, month, from, to, last].every((option) => option === undefined)) return undefined;
  const period = parsePeriod({ day, month, from, to, last }, policy.timezone, nowMs);
  if ('problem' in period) throw new UsageError(period.problem);
  return period;
}

/** This month so far. */
export function thisMonth(policy: Policy, nowMs: number): Period {
  const period = parsePeriod({}, policy.timezone, nowMs);
  if ('problem' in period) throw new Error(period.problem);
  return period;
}

/** In its first days a month has too little to be explained: then it is the one before. */
const YOUNG_DAYS = 3;

/** The month whose bill is explained where none is named. */
export function recentMonth(policy: Policy, nowMs: number): Period {
  const { timezone } = policy;
  const month = thisMonth(policy, nowMs);
  if (month.days.length > YOUNG_DAYS) return month;
  const before = parsePeriod(
    { month: dateOf(month.fromMs - 1, timezone).slice(0, 7) },
    timezone,
    nowMs,
  );
  return 'problem' in before ? month : before;
}

/** How many rows a person is shown; a program gets all. */
const TOP = 10;

/** The argument of --top. @param whole the answer is for a program */
export function topOf(top: string | undefined, whole: boolean): number {
  if (top === undefined) return whole ? Number.POSITIVE_INFINITY : TOP;
  const rows = Number(top);
  if (Number.isInteger(rows) && rows >= 1) return rows;
  throw new UsageError(`--top "${top}" must be a whole number from 1`);
}
