import { type Line, series, type Unit } from './panel.js';
import { perSecond } from './promql.js';

/** Of every pod; these counters know no agent. */
export function rate(counter: string, by = ''): string {
  return perSecond(counter, by, '');
}

/** A small panel of lines. */
export function lines(
  title: string,
  description: string,
  unit: Unit,
  shown: readonly Line[],
  badAt?: number,
) {
  return series(
    { title, description, unit, width: 8, ...(badAt === undefined ? {} : { badAt }) },
    shown,
  );
}

/** Metrics that every Node process has, only of Tollgate's. */
export function ofTollgate(metric: string): string {
  return `sum by (instance) (${metric} and on (instance, job) tollgate_build_info)`;
}
