/** Numbers from a seed, the same on every machine: mulberry32, fast enough for millions. */
export interface Seeded {
  /** A whole number from 0 to most. */
  upTo(most: number): number;
  pick<T>(from: readonly T[]): T;
}

export function seeded(seed: number): Seeded {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const upTo = (most: number): number => Math.floor(next() * (most + 1));
  return { upTo, pick: (from) => from[upTo(from.length - 1)] as (typeof from)[number] };
}

/** The seed of TEST_SEED, else a new one. A test that uses it names it when it fails. */
export function testSeed(): number {
  return Number(process.env['TEST_SEED'] ?? Math.floor(Math.random() * 4_294_967_296));
}
