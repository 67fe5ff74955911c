import fc from 'fast-check';

/**
 * Calendar periods written down plainly on what `Intl` says that clocks show: wall times are counted
 * as if they were UTC, and the first instant that shows one is searched for.
 */

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** No clock is further from UTC than this, and none changes twice in one step of the search. */
const FURTHEST_MS = 16 * HOUR_MS;
const STEP_MS = 4 * HOUR_MS;

const clocks = new Map<string, Intl.DateTimeFormat>();

/** What the clocks of a timezone show, as if it were UTC. Milliseconds. */
function wallMs(timezone: string, atMs: number): number {
  let clock = clocks.get(timezone);
  if (!clock) {
    clock = new Intl.DateTimeFormat('sv-SE', {
      timeZone: timezone,
      dateStyle: 'short',
      timeStyle: 'medium',
    });
    clocks.set(timezone, clock);
  }
  const second = Math.floor(atMs / 1000) * 1000;
  return Date.parse(`${clock.format(second).replace(' ', 'T')}Z`) + (atMs - second);
}

function offsetMs(timezone: string, atMs: number): number {
  return wallMs(timezone, atMs) - atMs;
}

/** The first instant of (fromMs, toMs] with the offset of its end. */
function changeMs(timezone: string, fromMs: number, toMs: number): number {
  const after = offsetMs(timezone, toMs);
  let [low, high] = [fromMs, toMs];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetMs(timezone, middle) === after) high = middle;
    else low = middle;
  }
  return high;
}

/** The first instant at which clocks show `wall` or later, stretch by stretch of equal offset. */
function firstMs(timezone: string, wall: number): number {
  for (let fromMs = wall - FURTHEST_MS; ; fromMs += STEP_MS) {
    const toMs = fromMs + STEP_MS;
    const before = offsetMs(timezone, fromMs);
    const changed = offsetMs(timezone, toMs) !== before;
    const endMs = changed ? changeMs(timezone, fromMs, toMs) : toMs;
    const reachedMs = Math.max(fromMs, wall - before);
    if (reachedMs < endMs) return reachedMs;
    if (wallMs(timezone, endMs) >= wall) return endMs;
    const after = offsetMs(timezone, endMs);
    if (wall - after < toMs) return wall - after;
  }
}

/** The number of the period that a wall time is in, and the wall time at which a period begins. */
const COUNTS = {
  day: {
    numberOf: (wall: number) => Math.floor(wall / DAY_MS),
    beginOf: (n: number) => n * DAY_MS,
  },
  week: {
    // The epoch was a Thursday: the first Monday came four days later.
    numberOf: (wall: number) => Math.floor((wall / DAY_MS - 4) / 7),
    beginOf: (n: number) => (n * 7 + 4) * DAY_MS,
  },
  month: {
    numberOf: (wall: number) => new Date(wall).getUTCFullYear() * 12 + new Date(wall).getUTCMonth(),
    beginOf: (n: number) => Date.UTC(Math.floor(n / 12), n % 12),
  },
} as const;

/** The starts of the previous period, the current, the next and the one after it, in microseconds. */
export function periodEdges(
  calendar: keyof typeof COUNTS,
  timezone: string,
  nowUs: number,
): number[] {
  const { numberOf, beginOf } = COUNTS[calendar];
  const startOf = (n: number) => firstMs(timezone, beginOf(n));
  /** The last period that has begun: its date may have come and gone once. */
  const periodAt = (ms: number) => {
    let n = numberOf(wallMs(timezone, ms));
    while (startOf(n + 1) <= ms) n += 1;
    return n;
  };
  const current = startOf(periodAt(Math.floor(nowUs / 1000)));
  const previous = startOf(periodAt(current - 1));
  const next = startOf(periodAt(current) + 1);
  const afterNext = startOf(periodAt(next) + 1);
  return [previous, current, next, afterNext].map((ms) => ms * 1000);
}

/** Moments of 2000 to 2037 in microseconds, half of them within three days of a clock's change. */
export function arbitraryMoment(timezone: string): fc.Arbitrary<number> {
  const any = fc.integer({ min: Date.UTC(2000, 0), max: Date.UTC(2038, 0) - 1 });
  const near = fc
    .tuple(
      fc.integer({ min: 2000, max: 2037 }),
      fc.constantFrom(0, 6),
      fc.integer({ min: -3 * DAY_MS, max: 3 * DAY_MS }),
    )
    .map(([year, month, distanceMs]) => {
      const [fromMs, toMs] = [Date.UTC(year, month), Date.UTC(year, month + 6)];
      const changes = offsetMs(timezone, fromMs) !== offsetMs(timezone, toMs);
      return (changes ? changeMs(timezone, fromMs, toMs) : fromMs) + distanceMs;
    });
  return fc
    .tuple(fc.oneof(any, near), fc.integer({ min: 0, max: 999 }))
    .map(([ms, us]) => ms * 1000 + us);
}
