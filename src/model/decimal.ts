/**
 * A decimal string as a whole number of 10^-scale, exactly.
 * @returns undefined if the text is not a plain non-negative decimal, or has more than `scale` decimals
 */
export function parseDecimal(text: string, scale: number): bigint | undefined {
  const parts = /^(\d+)(?:\.(\d+))?$/.exec(text);
  if (!parts) return undefined;
  const fraction = (parts[2] ?? '').replace(/0+$/, '');
  if (fraction.length > scale) return undefined;
  return BigInt(`${parts[1]}${fraction.padEnd(scale, '0')}`);
}
