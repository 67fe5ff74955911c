import type { Span } from '../model/span.js';
import { formatCalendar } from '../model/window.js';
import { type Calendar, calendarEdges } from './calendar.js';

/** In which time a rule counts: any so long, or each day, week or month of a timezone. */
export type Window =
  | { readonly lengthUs: number }
  | { readonly calendar: Calendar; readonly timezone: string };

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** A year and a day: longer than any budget, short enough for microseconds in a double. */
export const MAX_WINDOW_SECONDS = 366 * 86_400;

/**
 * The length of a sliding window: whole seconds, or a text such as `90s`, `15m`, `24h`, `30d`.
 * @returns seconds, or a sentence that says what is wrong
 */
export function parseWindowSeconds(window: number | string): number | { problem: string } {
  const parts = /^(\d{1,9})(s|m|h|d)?$/.exec(String(window));
  const seconds = parts ? Number(parts[1]) * (UNIT_SECONDS[parts[2] ?? 's'] ?? 1) : Number.NaN;
  if (seconds >= 1 && seconds <= MAX_WINDOW_SECONDS) return seconds;
  return {
    problem: `must be whole seconds from 1 to ${MAX_WINDOW_SECONDS}, or a text such as 90s, 15m, 24h, 30d`,
  };
}

/** For people: "any 24 h", "each calendar month (Asia/Singapore)". */
export function formatWindow(window: Window): string {
  return 'lengthUs' in window
    ? `any ${formatLength(window.lengthUs)}`
    : `each calendar ${window.calendar} (${window.timezone})`;
}

/** For people: in the largest unit that leaves a whole number, but a day as 24 h. */
export function formatLength(us: number): string {
  const seconds = us / 1e6;
  if (seconds % 86_400 === 0 && seconds > 86_400) return `${seconds / 86_400} days`;
  if (seconds % 3_600 === 0) return `${seconds / 3_600} h`;
  if (seconds % 60 === 0 && seconds > 60) return `${seconds / 60} min`;
  return `${seconds} s`;
}

/** What a window covers, by this moment of this process' clock. */
export function spanOf(window: Window, nowUs: number): Span {
  return 'lengthUs' in window
    ? { windowUs: window.lengthUs }
    : { edgesUs: calendarEdges(window.calendar, window.timezone, nowUs) };
}

/** The window as a decision tells of it. */
export function windowFields(window: Window): { windowUs: number | undefined; calendar: string } {
  return 'lengthUs' in window
    ? { windowUs: window.lengthUs, calendar: '' }
    : { windowUs: undefined, calendar: formatCalendar(window.calendar, window.timezone) };
}
