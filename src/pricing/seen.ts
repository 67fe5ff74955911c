/** What calls have really produced, by agent and model: the best guess at what the next one will. */
export interface TokensSeen {
  /** A call was settled. */
  observe(agent: string, model: string, tokensOut: number): void;
  /** What 95 of 100 calls stay within; undefined until {@link ENOUGH_CALLS} calls have been seen. */
  p95(agent: string, model: string): number | undefined;
}

/** With fewer, the 95th percentile is the largest, which one odd call decides. */
export const ENOUGH_CALLS = 20;

/** The calls that are remembered for each agent and model: enough for 5% of them to be several. */
export const KEPT_CALLS = 128;

/** The pairs of agent and model that are remembered: with {@link KEPT_CALLS} each, half a megabyte. */
export const KEPT_PAIRS = 1_000;

/** The last calls of one pair, as a ring. */
interface Ring {
  readonly tokens: Uint32Array;
  /** How many calls there have been. */
  calls: number;
  /** Reckoned when it is asked for; undefined while it is not known. */
  p95: number | undefined;
}

export function createTokensSeen(): TokensSeen {
  /** The pair that was observed longest ago is first. */
  const rings = new Map<string, Ring>();
  // No name contains a line break.
  const keyOf = (agent: string, model: string) => `${agent}\n${model}`;

  return {
    observe(agent, model, tokensOut) {
      const key = keyOf(agent, model);
      const ring = rings.get(key) ?? {
        tokens: new Uint32Array(KEPT_CALLS),
        calls: 0,
        p95: undefined,
      };
      ring.tokens[ring.calls % KEPT_CALLS] = tokensOut;
      ring.calls += 1;
      ring.p95 = undefined;
      rings.delete(key);
      rings.set(key, ring);
      const [oldest] = rings.keys();
      if (rings.size > KEPT_PAIRS && oldest !== undefined) rings.delete(oldest);
    },

    p95(agent, model) {
      const ring = rings.get(keyOf(agent, model));
      if (!ring || ring.calls < ENOUGH_CALLS) return undefined;
      ring.p95 ??= percentile95(ring.tokens.subarray(0, ring.calls));
      return ring.p95;
    },
  };
}

/** The smallest of the values that at least 95% of them do not pass. */
function percentile95(values: Uint32Array): number | undefined {
  return values.toSorted()[Math.ceil((values.length * 95) / 100) - 1];
}
