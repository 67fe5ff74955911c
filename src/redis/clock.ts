import { monotonicMs } from './deadline.js';

/** How far two clocks may drift apart: 500 ppm each way, the most that a kernel slews by. */
const DRIFT = 1_000e-6;

/** A step is called one from here on; below, it is the noise of a loaded machine. */
const STEP_NOISE_US = 5_000;

/** A jump of the Redis clock against ours. */
export interface ClockStep {
  readonly direction: 'forward' | 'backward';
  readonly byUs: number;
}

/**
 * What this process knows of one Redis' clock, from the time in each reply: the offset of that clock
 * to ours lies between `low` (the reply left Redis no later than we read it) and `high` (the script
 * ran no sooner than we sent it).
 */
export class RedisClock {
  #low: number | undefined;
  #high = 0;
  #sampledAtMs = 0;

  /**
   * A moment of our clock as a moment of Redis', not too late: a script that runs after the moment
   * has truly passed sees a later time. (But for a step back of Redis' clock that is shorter than a
   * round trip: that much, until the next reply.) -1 while nothing is known.
   */
  earliestUs(ms: number): number {
    if (this.#low === undefined) return -1;
    return Math.floor(ms * 1000 + this.#low - this.#drift());
  }

  /**
   * Learns from a reply.
   * @returns the step that the Redis clock must have made, if it is one
   */
  learn(sentMs: number, readMs: number, redisUs: number): ClockStep | undefined {
    const low = redisUs - readMs * 1000;
    const high = redisUs - sentMs * 1000;
    const drift = this.#drift();
    this.#sampledAtMs = readMs;
    if (this.#low === undefined) {
      this.#low = low;
      this.#high = high;
      return undefined;
    }
    const knownLow = this.#low - drift;
    const knownHigh = this.#high + drift;
    if (low > knownHigh || high < knownLow) {
      this.#low = low;
      this.#high = high;
      const byUs = low > knownHigh ? low - knownHigh : knownLow - high;
      if (byUs < STEP_NOISE_US) return undefined;
      return { direction: low > knownHigh ? 'forward' : 'backward', byUs };
    }
    this.#low = Math.max(low, knownLow);
    this.#high = Math.min(high, knownHigh);
    return undefined;
  }

  #drift(): number {
    return Math.max(0, monotonicMs() - this.#sampledAtMs) * 1000 * DRIFT;
  }
}
