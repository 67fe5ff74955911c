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
