import { DateTime, IANAZone } from 'luxon';

export const CALENDARS = ['day', 'week', 'month'] as const;

/** The length of a calendar window's periods. Weeks begin on Monday. */
export type Calendar = (typeof CALENDARS)[number];

/**
 * The starts of the previous period, the current, the next and the one after it, ascending, in whole
 * microseconds since the epoch. A period lasts from its start to just before the next.
 */
export type EdgesUs = readonly [number, number, number, number];

/** Does this Node know the name as an IANA timezone? An offset such as +08:00 is none. */
export function isTimezone(name: string): boolean {
  return /^[A-Za-z]/.test(name) && IANAZone.isValidZone(name);
}

/** Timezones remembered for each calendar: as many as a policy has rules, so none is lost in use. */
const MAX_REMEMBERED = 500;

const remembered: Readonly<Record<Calendar, Map<string, EdgesUs>>> = {
  day: new Map(),
  week: new Map(),
  month: new Map(),
};

/**
 * The periods around a moment. A period begins at the first instant whose local date is in it: where
 * clocks skip midnight, at the skip; where midnight comes twice, at the first. What a clock that is
 * put back then repeats belongs to the period that has begun, and a day that a timezone left out is
 * no period.
 *
 * A look into a map while the period of the last answer goes on; some tenths of a millisecond when it is over.
 * @param timezone one that {@link isTimezone} knows
 */
export function calendarEdges(calendar: Calendar, timezone: string, nowUs: number): EdgesUs {
  const edges = remembered[calendar].get(timezone);
  if (edges && nowUs >= edges[1] && nowUs < edges[2]) return edges;
  const found = findEdges(calendar, IANAZone.create(timezone), Math.floor(nowUs / 1000));
  if (remembered[calendar].size >= MAX_REMEMBERED) remembered[calendar].clear();
  remembered[calendar].set(timezone, found);
  return found;
}

/**
 * The periods in which the edges must be, counted from that of the local date: the date may be behind
 * its period by one, where a clock was put back past midnight, and one neighbour may be no period.
 */
const NEIGHBOURS = [-2, -1, 0, 1, 2, 3, 4];

function findEdges(calendar: Calendar, zone: IANAZone, nowMs: number): EdgesUs {
  const here = DateTime.fromMillis(wallMs(zone, nowMs), { zone: 'utc' }).startOf(calendar);
  const starts = NEIGHBOURS.map((n) => firstMs(zone, here.plus({ [calendar]: n }).toMillis()));
  const periods = starts.filter((start, i) => start !== starts[i - 1]);
  const current = periods.findLastIndex((start) => start <= nowMs);
  const edges = periods.slice(current - 1, current + 3).map((ms) => ms * 1000);
  if (current < 1 || edges.length < 4) {
    throw new Error(`no ${calendar} in ${zone.name} around ${nowMs} ms`);
  }
  return Object.freeze(edges as [number, number, number, number]);
}

/** What clocks show, as if they showed UTC: so dates can be counted without their jumps. */
function wallMs(zone: IANAZone, atMs: number): number {
  return atMs + offsetMs(zone, atMs);
}

function offsetMs(zone: IANAZone, atMs: number): number {
  // In whole seconds: local mean times of long ago had such offsets.
  return Math.round(zone.offset(atMs) * 60) * 1000;
}

/** Longer than any timezone is from UTC; clocks change at most once in twice this (never since 1970). */
const DAY_MS = 86_400_000;

/**
 * The first instant at which clocks show `wall` or later. Not luxon's `startOf`: where midnight comes
 * twice, its answer is the one whose offset is that of the moment that it was asked about.
 */
function firstMs(zone: IANAZone, wall: number): number {
  const before = offsetMs(zone, wall - DAY_MS);
  const after = offsetMs(zone, wall + DAY_MS);
  if (before === after) return wall - before;
  const changeMs = findChange(zone, wall - DAY_MS, wall + DAY_MS);
  return wall - before < changeMs ? wall - before : Math.max(changeMs, wall - after);
}

/** The first instant with another offset than that at `fromMs`; the offset at `toMs` is another. */
function findChange(zone: IANAZone, fromMs: number, toMs: number): number {
  const before = offsetMs(zone, fromMs);
  let same = fromMs;
  let changed = toMs;
  while (changed - same > 1) {
    const middle = Math.floor((same + changed) / 2);
    if (offsetMs(zone, middle) === before) same = middle;
    else changed = middle;
  }
  return changed;
}
