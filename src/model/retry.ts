import type { RuleStatus } from './decision.js';

/**
 * Time in µs until a denied call could pass: the latest over the denying rules.
 * @returns undefined if for one of them waiting is no help
 */
export function latestRetryUs(rules: readonly RuleStatus[]): number | undefined {
  let latest: number | undefined = 0;
  for (const rule of rules) {
    if (!rule.denied) continue;
    if (rule.retryAfterUs === undefined) return undefined;
    latest = Math.max(latest, rule.retryAfterUs);
  }
  return latest;
}
