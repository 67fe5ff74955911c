/**
 * Money is whole nano-dollars: 1 USD = 1,000,000,000. Every sum is one of them, and a `number` holds
 * each exactly, since none passes {@link MAX_WINDOW_AMOUNT}.
 */
export const NANO_PER_USD = 1_000_000_000;

/**
 * The most that one window can hold, in the unit of its metric; for money, $9 million.
 * Below 2^53 - 1 by a margin, because ioredis 6 decodes the last 48 integers before 2^53 to a neighbour.
 */
export const MAX_WINDOW_AMOUNT = 9_000_000_000_000_000;

/**
 * A caller's double, in USD, to the nearest nano-dollar; a positive one never becomes 0.
 * @param usd finite, 0 to 1,000,000
 */
export function nanoFromUsd(usd: number): number {
  // toFixed works on the exact value of the double, where usd * 1e9 would round once more.
  const nano = Number(usd.toFixed(9).replace('.', ''));
  return nano === 0 && usd > 0 ? 1 : nano;
}

/**
 * Nano-dollars as USD. {@link nanoFromUsd} gives the nano-dollars back up to 8,388,608 USD; from there
 * on the doubles are 2 nano-dollars apart.
 */
export function usdFromNano(nano: number): number {
  return nano / NANO_PER_USD;
}

/** For people: at least cents, and no digit lost: "$50.00", "$0.0043". */
export function formatUsd(nano: number): string {
  const whole = Math.floor(nano / NANO_PER_USD).toLocaleString('en-US');
  const fraction = String(nano % NANO_PER_USD).padStart(9, '0');
  return `$${whole}.${fraction.replace(/0{1,7}$/, '')}`;
}
