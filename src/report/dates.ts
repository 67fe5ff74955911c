import { DateTime } from 'luxon';
import { calendarEdges } from '../policy/calendar.js';
import { dayStartMs } from '../policy/days.js';

const DAY_MS = 86_400_000;

/** A date of the calendar without a place: `2026-03-01`. */
export type DateText = string;

/** When the day with this date begins in a timezone; undefined if there is no such day there. */
export function startOfDate(date: DateText, timezone: string): number | undefined {
  const noon = DateTime.fromISO(`${date}T12:00`, { zone: 'utc' });
  if (!/^\d{4}-\d{2}-\d{2}$/.test(date) || !noon.isValid) return undefined;
  // Noon in UTC is up to 14 hours from noon anywhere, so it can be in the day before or after.
  return [0, -DAY_MS, DAY_MS]
    .map((shift) => dayStartMs(timezone, noon.toMillis() + shift))
    .find((startMs) => dateOf(startMs, timezone) === date);
}

/** The date of the day that a moment is in. */
export function dateOf(atMs: number, timezone: string): DateText {
  // Of the start of its day: where clocks are put back past midnight, a moment shows the day before.
  return local(dayStartMs(timezone, atMs), timezone).toISODate() ?? '';
}

/** The date so many days, or months, later. The 31st of a shorter month is its last day. */
export function plus(date: DateText, by: { days?: number; months?: number }): DateText {
  return DateTime.fromISO(date, { zone: 'utc' }).plus(by).toISODate() ?? '';
}

/** The earlier of two dates. */
export function earlier(a: DateText, b: DateText): DateText {
  if (a < b) return a;
  return b;
}

/** When the day ends that begins at a moment: after 23, 24 or 25 hours. */
export function endOfDay(startMs: number, timezone: string): number {
  return calendarEdges('day', timezone, startMs * 1000)[2] / 1000;
}

/** For people: "1 March 2026". */
export function formatDay(atMs: number, timezone: string): string {
  return local(atMs, timezone).toFormat('d LLLL yyyy');
}

/** For people, where the year is known: "Sun 1 March". */
export function formatWeekday(atMs: number, timezone: string): string {
  return local(atMs, timezone).toFormat('ccc d LLLL');
}

/** For people: "March 2026". */
export function formatMonth(atMs: number, timezone: string): string {
  return local(atMs, timezone).toFormat('LLLL yyyy');
}

/** For people: "09:00". */
export function formatTime(atMs: number, timezone: string): string {
  return local(atMs, timezone).toFormat('HH:mm');
}

/** For people: "1 March 2026, 09:14". */
export function formatMoment(atMs: number, timezone: string): string {
  // Of the id of an entry, which any number may be.
  if (!local(atMs, timezone).isValid) return 'a time that is in no calendar';
  return `${formatDay(atMs, timezone)}, ${formatTime(atMs, timezone)}`;
}

/** For people, to the second, and where: "2026-03-01 09:14:03 GMT+8". */
export function formatSecond(atMs: number, timezone: string): string {
  return local(atMs, timezone).toFormat('yyyy-MM-dd HH:mm:ss ZZZZ');
}

/** For people, the days from the first to the last: "24 February to 2 March 2026". */
export function formatDays(firstMs: number, lastMs: number, timezone: string): string {
  const [first, last] = [local(firstMs, timezone), local(lastMs, timezone)];
  const to = last.toFormat('d LLLL yyyy');
  if (first.toISODate() === last.toISODate()) return to;
  if (first.year !== last.year) return `${first.toFormat('d LLLL yyyy')} to ${to}`;
  return `${first.toFormat(first.month === last.month ? 'd' : 'd LLLL')} to ${to}`;
}

function local(atMs: number, timezone: string): DateTime {
  return DateTime.fromMillis(atMs, { zone: timezone, locale: 'en' });
}
