import type { Side } from './cause.js';
import { type Gathered, sumBy, totalOf } from './gather.js';

/** Spend as one side of a comparison. @param days how many times it counts */
export function sideOf(gathered: Gathered, days: number): Side {
  return {
    days,
    sums: totalOf(gathered),
    byModel: sumBy(gathered, ({ model }) => model),
    byTool: sumBy(gathered, ({ tool }) => tool),
  };
}
