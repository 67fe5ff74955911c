/** A seeded source of choices; a failing test prints its seed, and SEED=N plays it again. */
export interface Seeded {
  readonly seed: number;
  /** A whole number from 0 to below `bound`. */
  below(bound: number): number;
  /** True once in `n` times. */
  onceIn(n: number): boolean;
  pick<T>(from: readonly T[]): T;
}

export function seeded(seed = Number(process.env['SEED'] ?? Date.now() % 1e9)): Seeded {
  // Mulberry32: small, and good enough to choose by.
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  const below = (bound: number) => Math.floor(next() * bound);
  return {
    seed,
    below,
    onceIn: (n) => below(n) === 0,
    pick: (from) => from[below(from.length)] as never,
  };
}
