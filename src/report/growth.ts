/** Weeks of the shortest growth that is named: of fewer, any noise makes a line. */
const MIN_WEEKS = 5;
/** And of the longest: what goes on for a quarter is how it is. */
const MAX_WEEKS = 13;

/** The least growth over all its weeks that is worth a sentence: a quarter more. */
const MIN_TOTAL = Math.log(1.25);

/** How many standard errors the slope must be above 0: four leave under one flat series in fifty. */
const MIN_T = 4;

/**
 * A step is named instead only if the line leaves so much more unexplained: the place of a step is chosen, so some
 * step fits a line of few weeks about as well. Of growth by 10% that varies by 10%, 93% is named so, and 86% at 1.
 */
const STEP_BETTER = 1.5;

/** Steady growth, up to the last week. */
export interface Growth {
  /** 0.1 is 10% more each week. */
  readonly perWeek: number;
  /** Over so many of the last weeks. */
  readonly weeks: number;
}

/**
 * Does spend grow steadily? A straight line through the logarithms, over as many of the last weeks as it
 * fits best. Where one step up fits clearly better than the line, it is no growth: something happened then.
 * @param weekly totals of whole weeks, ascending, the last one last; in any unit
 * @returns undefined if it does not, or if nobody can say
 */
export function growthOf(weekly: readonly bigint[]): Growth | undefined {
  let best: { growth: Growth; t: number } | undefined;
  for (let weeks = MIN_WEEKS; weeks <= Math.min(MAX_WEEKS, weekly.length); weeks += 1) {
    const totals = weekly.slice(-weeks).map(Number);
    // A week without spend has no logarithm, and no longer series does without it.
    if (totals.some((total) => total <= 0)) break;
    const values = totals.map(Math.log);
    const { slope, t, left } = fitLine(values);
    const grows =
      slope * (weeks - 1) >= MIN_TOTAL && t >= MIN_T && left <= STEP_BETTER * fitStep(values);
    if (grows && t > (best?.t ?? 0)) best = { growth: { perWeek: Math.expm1(slope), weeks }, t };
  }
  return best?.growth;
}

/** The least error that a fit is taken to have: no real series is without any. */
const MIN_ERROR = 1e-6;

/** The straight line through equally spaced values: least squares. `left` is what it does not explain. */
function fitLine(values: readonly number[]): { slope: number; t: number; left: number } {
  const middle = (values.length - 1) / 2;
  const mean = meanOf(values);
  const squares = values.reduce((sum, _, i) => sum + (i - middle) ** 2, 0);
  const slope = values.reduce((sum, value, i) => sum + (i - middle) * (value - mean), 0) / squares;
  const left = values.reduce((sum, v, i) => sum + (v - mean - slope * (i - middle)) ** 2, 0);
  const error = Math.max(MIN_ERROR, Math.sqrt(left / (values.length - 2) / squares));
  return { slope, t: slope / error, left };
}

/** What the best single step leaves unexplained: one level up to some week, another from there on. */
function fitStep(values: readonly number[]): number {
  const around = (some: readonly number[]): number => {
    const mean = meanOf(some);
    return some.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  };
  const splits = values.slice(1).map((_, i) => i + 1);
  return Math.min(...splits.map((at) => around(values.slice(0, at)) + around(values.slice(at))));
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
