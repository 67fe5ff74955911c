import { formatDuration } from './duration.js';

/** A calendar window as the API names it: "day in Asia/Singapore". */
export function formatCalendar(calendar: string, timezone: string): string {
  return `${calendar} in ${timezone}`;
}

/**
 * The window that a call falls in, for people: "24 h", "this day (Asia/Singapore)".
 * @param windowUs the length of a sliding window
 * @param calendar as {@link formatCalendar} gives it; '' for a sliding window
 */
export function formatCurrentWindow(windowUs: number | undefined, calendar: string): string {
  if (calendar === '') return formatDuration(windowUs ?? 0);
  const [period, timezone] = calendar.split(' in ');
  return `this ${period} (${timezone})`;
}
