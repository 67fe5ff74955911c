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

/** A whole number of 10^-scale as a decimal, without a digit lost or too many: "0.0043", "-12", "0". */
export function formatDecimal(value: bigint, scale: number): string {
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, '');
  return `${value < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}
