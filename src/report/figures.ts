import { formatDecimal } from '../model/decimal.js';
import { NANO_PER_USD } from '../model/money.js';

const NANO = BigInt(NANO_PER_USD);

/** Digits after the point of a sum in USD. */
const NANO_DIGITS = 9;

/** Nano-dollars as a decimal in USD, exactly, for programs: "812.345678901", "-0.5", "12". */
export function exactUsd(nano: bigint): string {
  return formatDecimal(nano, NANO_DIGITS);
}

/** For people: "$1,234.57", "-$0.0042". @param decimals of a dollar; what is below is rounded */
export function usd(nano: bigint, decimals: number): string {
  const size = nano < 0n ? -nano : nano;
  const unit = 10n ** BigInt(9 - decimals);
  const units = (size + unit / 2n) / unit;
  const perUsd = 10n ** BigInt(decimals);
  const whole = (units / perUsd).toLocaleString('en-US');
  const fraction = decimals === 0 ? '' : `.${String(units % perUsd).padStart(decimals, '0')}`;
  return `${nano < 0n && units > 0n ? '-' : ''}$${whole}${fraction}`;
}

/** Decimals with which a column of money is readable whose largest amount is this: cents, or more. */
export function decimalsFor(nano: bigint): number {
  const size = nano < 0n ? -nano : nano;
  if (size === 0n || size >= NANO) return 2;
  return size >= NANO / 100n ? 4 : 7;
}

/** For a sentence: whole dollars from $100 on, cents from 10, else as many digits as say something. */
export function roundUsd(nano: bigint): string {
  const size = nano < 0n ? -nano : nano;
  if (size >= 100n * NANO) return usd(nano, 0);
  // Of what is under a cent, zeros at the end say nothing.
  return usd(nano, size >= NANO / 10n ? 2 : decimalsFor(nano)).replace(/(\.\d{4}\d*?)0+$/, '$1');
}

/** The same with its sign: "+$614". */
export function changeUsd(nano: bigint): string {
  return nano > 0n ? `+${roundUsd(nano)}` : roundUsd(nano);
}

/** One amount as a multiple of another; undefined if there is no such number. */
export function ratioOf(part: bigint, whole: bigint): number | undefined {
  return whole > 0n ? Number(part) / Number(whole) : undefined;
}

/** "4.1x", "12x". */
export function times(ratio: number): string {
  if (!Number.isFinite(ratio)) return 'many times';
  const decimals = ratio >= 9.95 ? 0 : ratio >= 0.095 || ratio === 0 ? 1 : 2;
  return `${ratio.toFixed(decimals)}x`;
}

/** A share of a whole: "12.3%"; what is not quite nothing, or not quite all, does not read so. */
export function percent(share: number): string {
  if (share > 0 && share < 0.0005) return '<0.1%';
  if (share < 1 && share > 0.9995) return '>99.9%';
  return `${(share * 100).toFixed(1)}%`;
}

/** A share in a sentence: "78%". */
export function roundPercent(share: number): string {
  const size = Math.abs(share);
  if (size >= 0.995 && size < 1) return '>99%';
  return size > 0 && size < 0.005 ? '<1%' : `${Math.round(share * 100)}%`;
}

/** A change: "+12%", "-3.4%", "+310%", "new", "gone"; "" where there is nothing on either side. */
export function change(now: bigint, before: bigint): string {
  if (before <= 0n) return now > 0n ? 'new' : '';
  if (now <= 0n) return 'gone';
  const share = Number(now - before) / Number(before);
  if (share >= 100) return `${times(share + 1)}`;
  const text = `${Math.abs(share) < 0.0995 ? (share * 100).toFixed(1) : Math.round(share * 100)}%`;
  return share > 0 ? `+${text}` : text;
}

/** "+12%", "-3%". */
export function signedPercent(share: number): string {
  return `${share > 0 ? '+' : ''}${Math.round(share * 100)}%`;
}

/** "1,234". */
export function count(number: number): string {
  return Math.round(number).toLocaleString('en-US');
}

/** "1 call", "1,234 calls". */
export function counted(number: number, noun: string): string {
  return `${count(number)} ${noun}${number === 1 ? '' : 's'}`;
}

/** "a", "a and b", "a, b and c". */
export function listed(items: readonly string[]): string {
  return items.length < 2
    ? (items[0] ?? '')
    : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}

/** The larger of two amounts, which Math.max does not know. */
export function larger(a: bigint, b: bigint): bigint {
  if (a > b) return a;
  return b;
}
