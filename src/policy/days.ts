import { DateTime } from 'luxon';
import { calendarEdges } from './calendar.js';

const HOUR_MS = 3_600_000;

/** When the day of a timezone begins that a moment is in. */
export function dayStartMs(timezone: string, atMs: number): number {
  return calendarEdges('day', timezone, atMs * 1000)[1] / 1000;
}

/**
 * When the hour begins that a moment is in: hours are counted from the start of the day, so a day whose
 * clocks change has 23 or 25 of them, and a timezone that is half an hour off has its own.
 */
export function hourStartMs(timezone: string, atMs: number): number {
  const dayMs = dayStartMs(timezone, atMs);
  return dayMs + Math.floor((atMs - dayMs) / HOUR_MS) * HOUR_MS;
}

/**
 * The starts, in timezone `to`, of the hours or the day with the same date, and hour of the day, as what starts then
 * in `from`. Where one of the days is an hour longer, its last hour goes with that of the other. A date that `to` has
 * left out is the day beside it.
 */
export function sameStartsMs(
  grain: 'hour' | 'day',
  startMs: number,
  from: string,
  to: string,
): readonly number[] {
  if (from === to) return [startMs];
  const fromDayMs = dayStartMs(from, startMs);
  const { year, month, day } = DateTime.fromMillis(fromDayMs, { zone: from });
  const noon = DateTime.fromObject({ year, month, day, hour: 12 }, { zone: to });
  const toDayMs = dayStartMs(to, noon.toMillis());
  if (grain === 'day') return [toDayMs];
  const hour = Math.round((startMs - fromDayMs) / HOUR_MS);
  const isLast = startMs + HOUR_MS >= endOfDayMs(from, fromDayMs);
  const endMs = endOfDayMs(to, toDayMs);
  const starts: number[] = [];
  for (let ms = toDayMs + hour * HOUR_MS; ms < endMs; ms += HOUR_MS) {
    starts.push(ms);
    if (!isLast) break;
  }
  return starts;
}

function endOfDayMs(timezone: string, dayMs: number): number {
  return calendarEdges('day', timezone, dayMs * 1000)[2] / 1000;
}

/** The starts of all days that begin in [fromMs, toMs), ascending. */
export function dayStartsMs(timezone: string, fromMs: number, toMs: number): number[] {
  const starts: number[] = [];
  let [, startMs, nextMs] = calendarEdges('day', timezone, fromMs * 1000).map((us) => us / 1000);
  while (startMs !== undefined && nextMs !== undefined && startMs < toMs) {
    if (startMs >= fromMs) starts.push(startMs);
    [, startMs, nextMs] = calendarEdges('day', timezone, nextMs * 1000).map((us) => us / 1000);
  }
  return starts;
}

/** The starts of all hours that begin in [fromMs, toMs), ascending. */
export function hourStartsMs(timezone: string, fromMs: number, toMs: number): number[] {
  const starts: number[] = [];
  const before = dayStartMs(timezone, fromMs);
  for (const dayMs of [before, ...dayStartsMs(timezone, fromMs, toMs)]) {
    const endMs = calendarEdges('day', timezone, dayMs * 1000)[2] / 1000;
    for (let ms = dayMs; ms < Math.min(endMs, toMs); ms += HOUR_MS) {
      if (ms >= fromMs && ms > (starts.at(-1) ?? -1)) starts.push(ms);
    }
  }
  return starts;
}
