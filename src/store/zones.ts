import type { Grain } from './spend.js';

/** A timezone by whose days a domain is summed up, from a moment on until that of the next. */
export interface Zone {
  readonly timezone: string;
  readonly fromMs: number;
}

/** Days of timezones, and their hours. */
export interface Days {
  /** When the hour or the day begins that a moment is in. */
  startOf(grain: Grain, atMs: number, timezone: string): number;
  /**
   * The starts in `to` of what has the same date, and hour of that day, as what starts then in `from`: one, but
   * where clocks change.
   */
  same(grain: Grain, startMs: number, from: string, to: string): readonly number[];
}

/** Moves that are remembered, while rows of before may be kept: a domain does not move each day. */
export const MAX_ZONES = 16;

const HOUR_MS = 3_600_000;

/** As long as an hour or a day may be, however clocks change. */
const LONGEST_MS: Readonly<Record<Grain, number>> = { hour: HOUR_MS, day: 26 * HOUR_MS };

/** By whose days an entry of a moment is summed up. */
export function timezoneAt(zones: readonly Zone[], atMs: number): string {
  const zone = zones.findLast(({ fromMs }) => fromMs <= atMs) ?? zones[0];
  return zone?.timezone ?? 'UTC';
}

/**
 * The zones of a domain that moves to another timezone: from the next hour that begins there on, so that no row has
 * entries of both. Days before stay as they are.
 * @param afterMs nothing later is summed up yet
 * @param forgottenMs no row of before is kept
 */
export function moveTo(
  zones: readonly Zone[],
  timezone: string,
  days: Pick<Days, 'startOf'>,
  afterMs: number,
  forgottenMs: number,
): readonly Zone[] {
  // A move that has not come about yet is none.
  const past = zones.filter(({ fromMs }) => fromMs <= afterMs);
  const kept = past.filter((_, i) => (past[i + 1]?.fromMs ?? Infinity) > forgottenMs);
  if (kept.at(-1)?.timezone === timezone) return kept;
  if (kept.length >= MAX_ZONES) return zones;
  return [...kept, { timezone, fromMs: days.startOf('hour', afterMs + HOUR_MS, timezone) }];
}

/**
 * Where the rows are stored of the hours or days that begin at `startsMs` in a timezone: in each zone those of the
 * same date and hour of the day. So a date has what it had before a move, and no row is read twice.
 */
export function storedStarts(
  zones: readonly Zone[],
  grain: Grain,
  startsMs: readonly number[],
  timezone: string,
  days: Days,
): { startMs: number; storedMs: number }[] {
  const found = new Map<number, number>();
  for (const startMs of startsMs) {
    for (const [i, zone] of zones.entries()) {
      const untilMs = zones[i + 1]?.fromMs ?? Infinity;
      for (const storedMs of days.same(grain, startMs, timezone, zone.timezone)) {
        const used = storedMs < untilMs && storedMs + LONGEST_MS[grain] > zone.fromMs;
        if (used && !found.has(storedMs)) found.set(storedMs, startMs);
      }
    }
  }
  return [...found].map(([storedMs, startMs]) => ({ startMs, storedMs }));
}
