import { addSums, noSums, type SpendAttributes, type Sums } from '../model/spend.js';
import type { Spend } from '../store/spend.js';
import type { Period } from './period.js';

/** Spend by whose it is. The attributes are the same object wherever they are the same. */
export type Gathered = Map<SpendAttributes, Sums>;

export type Only = (attributes: SpendAttributes) => boolean;

/** The spend of a period, added up over its time. */
export async function gather(spend: Spend, period: Period, only?: Only): Promise<Gathered> {
  const gathered: Gathered = new Map();
  for (const [grain, starts] of [
    ['day', period.days],
    ['hour', period.hours],
  ] as const) {
    if (starts.length === 0) continue;
    for await (const rows of spend.rows(grain, starts, only)) {
      for (const { attributes, sums } of rows) add(gathered, attributes, sums);
    }
  }
  return gathered;
}

/** Adds to the sums of a key. */
export function add<Key>(to: Map<Key, Sums>, key: Key, more: Readonly<Sums>): void {
  let sums = to.get(key);
  if (!sums) {
    sums = noSums();
    to.set(key, sums);
  }
  addSums(sums, more);
}

/** The sums by something that the attributes say. */
export function sumBy(
  gathered: Gathered,
  keyOf: (attributes: SpendAttributes) => string,
): Map<string, Sums> {
  const by = new Map<string, Sums>();
  for (const [attributes, sums] of gathered) add(by, keyOf(attributes), sums);
  return by;
}

export function totalOf(gathered: ReadonlyMap<unknown, Sums>): Sums {
  const total = noSums();
  for (const sums of gathered.values()) addSums(total, sums);
  return total;
}

/** The sums with the most cost first; of equal ones, the most calls. */
export function sumTop<Key>(by: ReadonlyMap<Key, Sums>): [Key, Sums][] {
  return [...by].sort(
    ([, a], [, b]) => Number(b.costNano - a.costNano) || b.calls + b.denied - a.calls - a.denied,
  );
}
