import { addSums, noSums, type SpendAttributes, type Sums } from '../model/spend.js';
import type { Spend, SpendRow } from '../store/spend.js';
import type { Period } from './period.js';

/** Spend by whose it is. The attributes are the same object wherever they are the same. */
export type Gathered = Map<SpendAttributes, Sums>;

export type Only = (attributes: SpendAttributes) => boolean;

const HOUR_MS = 3_600_000;

/** The spend of a period, added up over its time. */
export async function gather(spend: Spend, period: Period, only?: Only): Promise<Gathered> {
  const gathered: Gathered = new Map();
  for (const [grain, starts] of [
    ['day', period.days],
    ['hour', period.hours],
  ] as const) {
    if (starts.length === 0) continue;
    for await (const rows of spend.rows(grain, starts, only)) {
      for (const row of rows) {
        add(gathered, row.attributes, grain === 'day' ? row.sums : sumsUntil(row, period.untilMs));
      }
    }
  }
  return gathered;
}

/** What an hour has until a moment: of the hour that the moment is in its part, as if all came evenly. */
export function sumsUntil({ startMs, sums }: SpendRow, untilMs: number): Readonly<Sums> {
  return scaleSums(sums, Math.min(1, (untilMs - startMs) / HOUR_MS));
}

/** So many times as much, rounded; exactly, for a whole number. */
export function scaleSums(sums: Readonly<Sums>, by: number): Readonly<Sums> {
  if (by === 1) return sums;
  const amount = (one: number) => Math.round(one * by);
  const whole = Number.isInteger(by) ? BigInt(by) : undefined;
  return sumsOf(sums, amount, (one) =>
    whole === undefined ? BigInt(Math.round(Number(one) * by)) : one * whole,
  );
}

/** A part of it, of which there are so many; rounded. */
export function dividedSums(sums: Readonly<Sums>, by: number): Readonly<Sums> {
  if (by === 1) return sums;
  return sumsOf(
    sums,
    (one) => Math.round(one / by),
    (one) => one / BigInt(by),
  );
}

function sumsOf(
  sums: Readonly<Sums>,
  amount: (one: number) => number,
  nano: (one: bigint) => bigint,
): Readonly<Sums> {
  return {
    calls: amount(sums.calls),
    costNano: nano(sums.costNano),
    tokensIn: amount(sums.tokensIn),
    tokensOut: amount(sums.tokensOut),
    unsettledNano: nano(sums.unsettledNano),
    assumedNano: nano(sums.assumedNano),
    unauthorizedNano: nano(sums.unauthorizedNano),
    denied: amount(sums.denied),
    deniedNano: nano(sums.deniedNano),
  };
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
