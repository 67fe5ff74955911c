/** The middle of the values, the mean of the two middle ones of an even number; 0 of none. */
export function median(values: readonly number[]): number {
  const ascending = values.toSorted((a, b) => a - b);
  const middle = ascending.length / 2;
  const below = ascending[Math.ceil(middle) - 1] ?? 0;
  const above = ascending[Math.floor(middle)] ?? 0;
  return (below + above) / 2;
}

/** What makes the median absolute deviation of a normal distribution its standard deviation. */
const NORMAL = 1.4826;

/** How far values are from their median, as a standard deviation that outliers do not move. */
export function spread(values: readonly number[]): number {
  const middle = median(values);
  return NORMAL * median(values.map((value) => Math.abs(value - middle)));
}
