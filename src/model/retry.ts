import type { Decision } from './decision.js';

/**
 * Time in µs until a denied call could pass: the latest over the denying rules, and not before the
 * halt has ended.
 * @returns undefined if waiting is no help
 */
export function retryAfterUs({ rules, halt, decidedAtUs }: Decision): number | undefined {
  if (halt?.untilUs === 0) return undefined;
  // Without Redis there is only our own clock.
  const nowUs = decidedAtUs || Date.now() * 1000;
  let latest = halt ? Math.max(0, halt.untilUs - nowUs) : 0;
  const denying = rules.filter((rule) => rule.denied);
  if (!halt && denying.length === 0) return undefined;
  for (const rule of denying) {
    if (rule.retryAfterUs === undefined) return undefined;
    latest = Math.max(latest, rule.retryAfterUs);
  }
  return latest;
}
