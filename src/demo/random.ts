/** Numbers from a seed, the same on every machine. */
export interface Random {
  /** 0 to just under 1. */
  next(): number;
  /** A whole number from 0 to just under `end`. */
  below(end: number): number;
  /** One of them, as likely as its weight. */
  weighed<T extends { readonly weight: number }>(from: readonly T[]): T;
  /** Around 1: most within a factor of e^spread. Its mean is 1. */
  factor(spread: number): number;
  /** How many of something come where `mean` are expected. */
  count(mean: number): number;
}

/** From here on a count is nearly normal, and cheaper so. */
const MANY = 30;

/**
 * A generator of its own for each path, so that more of one thing does not change all others.
 * @param path the seed, and for what the numbers are
 */
export function randomOf(...path: readonly (number | string)[]): Random {
  let state = hash(path.join('/'));

  /** mulberry32: fast enough for millions. */
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** Nearly normal, mean 0, deviation 1: twelve uniform ones, never beyond 6. */
  function normal(): number {
    let sum = -6;
    for (let i = 0; i < 12; i += 1) sum += next();
    return sum;
  }

  function count(mean: number): number {
    if (mean >= MANY) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal()));
    // By Knuth: how many uniform ones can be multiplied before the product is under e^-mean.
    const least = Math.exp(-mean);
    let found = 0;
    for (let product = next(); product > least; product *= next()) found += 1;
    return found;
  }

  return {
    next,
    count,
    below: (end) => Math.floor(next() * end),
    factor: (spread) => Math.exp(spread * normal() - (spread * spread) / 2),
    weighed(from) {
      let left = next() * from.reduce((sum, { weight }) => sum + weight, 0);
      for (const one of from) {
        left -= one.weight;
        if (left < 0) return one;
      }
      return from.at(-1) as (typeof from)[number];
    },
  };
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let hashed = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) {
    hashed = Math.imul(hashed ^ text.charCodeAt(i), 0x01000193);
  }
  return hashed >>> 0;
}
