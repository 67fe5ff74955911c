import { median, spread } from './median.js';

/** From so many days of history on each day of the week has a median of its own. */
export const WEEKDAY_DAYS = 21;

/** Of a day on which nothing is usual: its median says nothing of the call that comes now and then. */
const LEAST_USUAL = 0.05;

/**
 * How far a day may be from what is expected of it, as a standard deviation of its money: as far as all days
 * of the history were from their own weekday. The six of one weekday are near each other by chance too often.
 * It is of whole days, also for a part of one: what has come by some hour varies no more than the day does, so
 * one who looks every hour has hardly more false alarms than one who looks at midnight.
 * @param totals of the days since the first on which anything was spent, the latest last
 * @param usual what a whole day like it comes to
 * @param normalDay what is spent on a day on which anything is
 */
export function deviationOf(totals: readonly number[], usual: number, normalDay: number): number {
  const weekly = totals.length >= WEEKDAY_DAYS;
  const apart = totals.flatMap((nano, i) => {
    const alike = totals.filter(
      (other, j) => j !== i && (weekly ? (j - i) % 7 === 0 : other !== 0),
    );
    const expected = median(alike);
    // Days without spend where none is usual say nothing; nor do any, while weekdays are not told apart.
    if (nano === 0 && (expected === 0 || !weekly)) return [];
    return [(nano - expected) / scaleOf(expected, normalDay)];
  });
  return spread(apart) * scaleOf(usual, normalDay);
}

/** Days vary by a share of themselves; small ones, of few calls, by more: with the root of how many. */
function scaleOf(usual: number, normalDay: number): number {
  const some = Math.max(usual, LEAST_USUAL * normalDay);
  return Math.sqrt(some * Math.max(some, normalDay));
}
