import { dayStartsMs, hourStartsMs } from '../policy/days.js';
import {
  dateOf,
  earlier,
  endOfDay,
  formatDays,
  formatMonth,
  formatTime,
  plus,
  startOfDate,
} from './dates.js';

/** The days that an answer is about, in the timezone of the policy. */
export interface Period {
  readonly kind: 'day' | 'month' | 'days';
  readonly fromMs: number;
  /** When its last day ends. */
  readonly toMs: number;
  /** The end of what it has of that: now, where it goes on. */
  readonly untilMs: number;
  /** It goes on. */
  readonly soFar: boolean;
  /** The starts of the days that are wholly in it, as far as time has come. */
  readonly days: readonly number[];
  /** The starts of the hours that stand for a last day that is cut short; the last ends at `untilMs` itself. */
  readonly hours: readonly number[];
  /** For people: "March 2026", "1 to 25 November 2026, so far". */
  readonly name: string;
}

/** What a person asks for; nothing is this month so far. Dates are `2026-03-01`, `today` or `yesterday`. */
export interface PeriodOptions {
  readonly day?: string | undefined;
  readonly month?: string | undefined;
  readonly from?: string | undefined;
  /** The last day, which is in the period. */
  readonly to?: string | undefined;
  readonly last?: string | undefined;
}

/** As far back as spend is remembered by the day, and by the hour. */
const MAX_DAYS = 400;
export const HOUR_DAYS = 45;

const DAY_MS = 86_400_000;

/** @returns a sentence for the person where the options are no period */
export function parsePeriod(
  options: PeriodOptions,
  timezone: string,
  nowMs: number,
): Period | { problem: string } {
  const { day, month, from, to, last } = options;
  const given = [day, month, from ?? to, last].filter((option) => option !== undefined);
  if (given.length > 1) return problem('give one of --day, --month, --from with --to, --last');
  const today = dateOf(nowMs, timezone);
  if (day !== undefined) return spanOf('day', day, day, timezone, nowMs);
  if (last !== undefined) {
    const [, count = '0', unit] = /^(\d{1,3})([dw])$/.exec(last) ?? [];
    const days = Number(count) * (unit === 'w' ? 7 : 1);
    if (days < 1 || days > MAX_DAYS) {
      return problem(
        `--last "${last}" must be days or weeks, such as 7d or 4w, at most ${MAX_DAYS}d`,
      );
    }
    return lastDays(days, timezone, nowMs);
  }
  if (from !== undefined || to !== undefined) {
    if (from === undefined) return problem('--to needs --from');
    return spanOf('days', from, to ?? today, timezone, nowMs);
  }
  if (month !== undefined && !/^\d{4}-(0[1-9]|1[0-2])$/.test(month)) {
    return problem(`--month "${month}" must be a month, such as 2026-03`);
  }
  return monthOf(`${month ?? today.slice(0, 7)}-01`, timezone, nowMs);
}

/** Today and the days before it, so many altogether. */
export function lastDays(days: number, timezone: string, nowMs: number): Period {
  const today = dateOf(nowMs, timezone);
  return periodOf('days', plus(today, { days: 1 - days }), today, timezone, nowMs);
}

/** The day that a moment is in. */
export function dayOf(atMs: number, timezone: string, nowMs: number): Period {
  const date = dateOf(atMs, timezone);
  return periodOf('day', date, date, timezone, nowMs);
}

/** The month that begins on a date; if it goes on, up to today. */
function monthOf(first: string, timezone: string, nowMs: number): Period | { problem: string } {
  const lastDate = plus(plus(first, { months: 1 }), { days: -1 });
  const today = dateOf(nowMs, timezone);
  return spanOf('month', first, earlier(lastDate, today), timezone, nowMs);
}

function spanOf(
  kind: Period['kind'],
  first: string,
  last: string,
  timezone: string,
  nowMs: number,
): Period | { problem: string } {
  const today = dateOf(nowMs, timezone);
  const words: Record<string, string> = { today, yesterday: plus(today, { days: -1 }) };
  const [from, to] = [words[first] ?? first, words[last] ?? last];
  for (const date of [from, to]) {
    if (startOfDate(date, timezone) === undefined) {
      return problem(`"${date}" is no day of the calendar in ${timezone}; write it as 2026-03-01`);
    }
  }
  if (from > today) return problem(`${from} has not come yet; today is ${today} in ${timezone}`);
  if (from > to) return problem(`the period ends, on ${to}, before it begins, on ${from}`);
  return periodOf(kind, from, earlier(to, today), timezone, nowMs);
}

/** @param first,last dates that the timezone has, none after today */
function periodOf(
  kind: Period['kind'],
  first: string,
  last: string,
  timezone: string,
  nowMs: number,
): Period {
  const fromMs = startOfDate(first, timezone) ?? nowMs;
  const lastMs = startOfDate(last, timezone) ?? nowMs;
  const toMs = endOfDay(lastMs, timezone);
  const soFar = toMs > nowMs;
  const days = dayStartsMs(timezone, fromMs, toMs);
  const whole = kind === 'month' && !soFar && isMonth(first, last);
  const name = whole ? formatMonth(fromMs, timezone) : formatDays(fromMs, lastMs, timezone);
  return {
    kind,
    fromMs,
    toMs,
    untilMs: Math.min(toMs, nowMs),
    soFar,
    days,
    hours: [],
    name: soFar ? `${name}, so far` : name,
  };
}

/**
 * What a period is compared with: as many days right before it; the same weekday for a day, since few agents work
 * on all; the month before for a month, and the
 * same days of it for one that goes on. Where the period ends at some time today, so does this at that
 * time of its last day, by the hours until then and a part of the last of them. Where no hours of that day are
 * remembered, it is left out.
 */
export function periodBefore(period: Period, timezone: string, nowMs: number): Period {
  const first = dateOf(period.fromMs, timezone);
  const lastMs = period.days.at(-1) ?? period.fromMs;
  const shift = {
    day: { days: -7 },
    month: { months: -1 },
    days: { days: -period.days.length },
  }[period.kind];
  const from = existing(plus(first, shift), timezone);
  const to =
    period.kind === 'month' && !period.soFar
      ? plus(first, { days: -1 })
      : plus(dateOf(lastMs, timezone), shift);
  const before = periodOf(period.kind, from, existing(to, timezone), timezone, nowMs);
  // The 31st of a month that has 30 days is past its end: then it is compared with all of it.
  const past = period.kind === 'month' && to.slice(8) !== dateOf(lastMs, timezone).slice(8);
  if (!period.soFar || past) return before;
  const lastOfBefore = before.days.at(-1) ?? before.fromMs;
  const cutMs = lastOfBefore + (period.untilMs - lastMs);
  if (cutMs >= before.toMs) return before;
  if (lastOfBefore < nowMs - HOUR_DAYS * DAY_MS) {
    const last = dateOf(lastOfBefore - 1, timezone);
    return periodOf(before.kind, from, last, timezone, nowMs);
  }
  const hours = hourStartsMs(timezone, lastOfBefore, cutMs);
  const name = `${before.name} until ${formatTime(cutMs, timezone)}`;
  return { ...before, untilMs: cutMs, days: before.days.slice(0, -1), hours, name };
}

/** From the first day of a month to its last. */
function isMonth(first: string, last: string): boolean {
  return first.endsWith('-01') && last === plus(plus(first, { months: 1 }), { days: -1 });
}

/** The date, or the last before it that the timezone has: it may have left a day out. */
function existing(date: string, timezone: string): string {
  return startOfDate(date, timezone) === undefined ? plus(date, { days: -1 }) : date;
}

function problem(text: string): { problem: string } {
  return { problem: text };
}
