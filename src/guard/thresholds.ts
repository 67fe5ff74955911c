import type { Decision, RuleStatus } from '../model/decision.js';

/** Windows remembered at once; past that the oldest are forgotten, and may raise once more. */
const MAX_REMEMBERED = 10_000;

/**
 * Says once what a denial raises. An admission stores in Redis what it has raised; a denial writes
 * nothing there, so each sidecar remembers for itself, for the length of the window.
 */
export interface Thresholds {
  /** The thresholds of the decision that nobody has been told of. */
  fresh(decision: Decision): { rule: RuleStatus; share: number }[];
}

export function createThresholds(): Thresholds {
  const quietUntilUs = new Map<string, number>();
  return {
    fresh(decision) {
      return decision.rules.flatMap((rule) =>
        (rule.window?.raised ?? []).flatMap((share) => {
          const key = `${rule.ruleId} ${share} ${rule.partition}`;
          if ((quietUntilUs.get(key) ?? 0) > decision.decidedAtUs) return [];
          quietUntilUs.delete(key);
          quietUntilUs.set(key, decision.decidedAtUs + (rule.counted?.windowUs ?? 0));
          const [oldest = ''] = quietUntilUs.keys();
          if (quietUntilUs.size > MAX_REMEMBERED) quietUntilUs.delete(oldest);
          return [{ rule, share }];
        }),
      );
    },
  };
}
