import type { Sums } from '../model/spend.js';

/**
 * A row of spend as text: the columns in this order with a space between, 0 as nothing, and nothing at
 * the end. So that it stays below the 64 bytes up to which Redis packs the values of a hash.
 */
export function formatSums(sums: Readonly<Sums>): string {
  const columns = [
    sums.calls,
    sums.costNano,
    sums.tokensIn,
    sums.tokensOut,
    sums.unsettledNano,
    sums.assumedNano,
    sums.unauthorizedNano,
    sums.denied,
    sums.deniedNano,
  ];
  return columns
    .map((column) => column || '')
    .join(' ')
    .trimEnd();
}

/** The row that {@link formatSums} has written. */
export function parseSums(text: string): Sums {
  const columns = text.split(' ');
  const whole = (at: number) => Number(columns[at] ?? 0);
  const nano = (at: number) => (columns[at] ? BigInt(columns[at]) : 0n);
  return {
    calls: whole(0),
    costNano: nano(1),
    tokensIn: whole(2),
    tokensOut: whole(3),
    unsettledNano: nano(4),
    assumedNano: nano(5),
    unauthorizedNano: nano(6),
    denied: whole(7),
    deniedNano: nano(8),
  };
}
