/**
 * When an agent works: `office` hours; with `customers`, whose evenings and weekends are busy; a `nightly`
 * batch; a `weekly` one, on Mondays; or `steady`, round the clock.
 */
export type Rhythm = 'office' | 'customers' | 'nightly' | 'weekly' | 'steady';

interface Shape {
  /** How busy each hour is, from midnight on; in any unit. */
  readonly hours: readonly number[];
  /** How busy each day of the week is, from Monday on: 1 is a normal day. */
  readonly weekdays: readonly number[];
}

// biome-ignore format: a row for half a day
const SHAPES: Readonly<Record<Rhythm, Shape>> = {
  office: {
    hours: [
      0, 0, 0, 0, 0, 0, 0.3, 1, 4, 8, 10, 10,
      6, 8, 10, 10, 9, 6, 3, 1, 0.5, 0.3, 0.1, 0,
    ],
    weekdays: [1, 1.05, 1.05, 1, 0.9, 0.04, 0.03],
  },
  customers: {
    hours: [
      1, 0.6, 0.4, 0.4, 0.4, 0.8, 2, 4, 6, 8, 9, 9,
      8, 7, 7, 7, 8, 9, 10, 10, 8, 6, 4, 2,
    ],
    weekdays: [1.1, 1, 1, 1, 1, 0.75, 0.65],
  },
  nightly: {
    hours: [
      0, 6, 10, 8, 2, 0, 0, 0, 0, 0, 0, 0,
      0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ],
    weekdays: [1, 1, 1, 1, 1, 1, 1],
  },
  weekly: {
    hours: [
      0, 0, 0, 0, 0, 0, 4, 10, 10, 4, 0, 0,
      0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ],
    weekdays: [1, 0, 0, 0, 0, 0, 0],
  },
  steady: { hours: new Array(24).fill(1), weekdays: new Array(7).fill(1) },
};

/**
 * Which part of a normal day's work falls in an hour.
 * @param weekday 1 is Monday, 7 Sunday
 * @param hour by the clock on the wall, 0 to 23
 */
export function activity(rhythm: Rhythm, weekday: number, hour: number): number {
  const { hours, weekdays } = SHAPES[rhythm];
  const all = hours.reduce((sum, one) => sum + one, 0);
  return ((hours[hour] ?? 0) / all) * (weekdays[weekday - 1] ?? 0);
}
