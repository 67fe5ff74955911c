import { randomOf } from '../../src/demo/random.js';
import { activity, type Rhythm } from '../../src/demo/rhythm.js';
import { localHour } from '../../src/demo/volume.js';
import { hourStartsMs } from '../../src/policy/days.js';

/** One agent whose spend is made up hour by hour, without its single calls. */
export interface SeriesPlan {
  readonly rhythm: Rhythm;
  readonly callsPerDay: number;
  /** How far days are from each other: 0.15 is moderate. */
  readonly noise: number;
  readonly timezone: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** How many times the calls an hour has. */
  readonly times: (hourMs: number) => number;
}

/** A call costs about two cents. */
const CALL_NANO = 20_000_000;

const starts = new Map<string, ReturnType<typeof localHour>[]>();

/** Spend by the starts of hours: calls come at random, days differ, and so do calls. */
export function seriesOf(seed: number, plan: SeriesPlan): Map<number, bigint> {
  const { timezone, fromMs, toMs, rhythm } = plan;
  const key = `${timezone} ${fromMs} ${toMs}`;
  const hours =
    starts.get(key) ??
    hourStartsMs(timezone, fromMs, toMs).map((startMs) => localHour(timezone, startMs));
  starts.set(key, hours);
  const random = randomOf(seed, 'series');
  const days = new Map<string, number>();
  const series = new Map<number, bigint>();
  for (const { startMs, date, weekday, hour } of hours) {
    const day = days.get(date) ?? random.factor(plan.noise);
    days.set(date, day);
    const usual = plan.callsPerDay * activity(rhythm, weekday, hour);
    if (usual === 0) continue;
    const calls = random.count(usual * day * plan.times(startMs));
    const cost = calls * CALL_NANO * random.factor(0.5 / Math.sqrt(Math.max(1, calls)));
    if (calls > 0) series.set(startMs, BigInt(Math.round(cost)));
  }
  return series;
}
