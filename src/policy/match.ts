import { attributeOf, type Call } from '../model/call.js';
import type { Identity } from '../model/settlement.js';
import { encodeValue, partitionOf } from './partition.js';
import type { Limit, Policy, RateLimit, Rule } from './policy.js';

/** A rule that applies to a call, and which window of it. */
export interface MatchedRule {
  readonly rule: Rule;
  readonly partition: string;
  /** The rate limit with the limit that applies to this call; undefined if the rule has none. */
  readonly counted: { readonly rateLimit: RateLimit; readonly limit: Limit } | undefined;
  /** Why the call is denied whatever its windows say; '' if they decide. */
  readonly outright: string;
}

/** Every rule that applies to the call, in the order of the policy. */
export function matchRules(policy: Policy, call: Call): MatchedRule[] {
  const matched: MatchedRule[] = [];
  for (const rule of policy.rules) {
    if (!rule.match.every((condition) => condition.holds(call))) continue;
    const { rateLimit } = rule;
    const missing = rule.require.find((attribute) => attributeOf(call, attribute) === '');
    matched.push({
      rule,
      partition: partitionOf(call, rule.per),
      counted: rateLimit && { rateLimit, limit: limitFor(rateLimit, call) },
      outright: missing ? `it requires ${missing}` : rateLimit ? '' : 'it blocks every such call',
    });
  }
  return matched;
}

function limitFor(rateLimit: RateLimit, call: Call): Limit {
  const override = rateLimit.overrides.find(({ match }) =>
    match.every((condition) => condition.holds(call)),
  );
  return override?.limit ?? rateLimit.limit;
}

/** The name of the domain that the calls of an identity belong to. */
export function domainOf(policy: Policy, identity: Identity): string {
  return 'name' in policy.domain
    ? policy.domain.name
    : encodeValue(identity[policy.domain.attribute]);
}
