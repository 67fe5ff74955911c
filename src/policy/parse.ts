import { createHash } from 'node:crypto';
import { createPriceBook } from '../pricing/book.js';
import { buildAlerts } from './alerts.js';
import { buildDomain, buildRule, durationUs } from './build.js';
import type { Policy } from './policy.js';
import { buildPrices } from './prices.js';
import { Problems } from './problems.js';
import { policySchema, ruleSchema, timezoneSchema } from './schema.js';
import { addShapeProblems, rawRules } from './shape.js';
import { type PolicyError, parseSource } from './source.js';

/** A policy is a page or two; this is two hundred. */
const MAX_POLICY_BYTES = 1_048_576;

/** Reads a policy file: the policy, or every mistake in it, in the order of the file. */
export function parsePolicy(text: string): Policy | { errors: PolicyError[] } {
  if (Buffer.byteLength(text) > MAX_POLICY_BYTES) {
    return { errors: [{ line: 1, column: 1, message: 'the file is over 1 MiB' }] };
  }
  const source = parseSource(text);
  if (source.syntaxErrors.length > 0) return { errors: [...source.syntaxErrors] };
  if (source.value === null) {
    return { errors: [source.errorAt([], 'the file is empty; it needs a list called rules')] };
  }
  const problems = new Problems(source);
  addShapeProblems(problems);
  const zone = timezoneSchema.safeParse(Object(source.value).timezone);
  const timezone = zone.success ? zone.data : 'UTC';
  // Rules whose shape is good are built even if others are not, so that every mistake shows at once.
  const rules = rawRules(source).flatMap((raw, index) => {
    const rule = ruleSchema.safeParse(raw);
    return rule.success ? [buildRule(rule.data, index, timezone, problems)] : [];
  });
  const prices = buildPrices(problems);
  const alerts = buildAlerts(problems);
  const file = policySchema.safeParse(source.value);
  const domain = file.success ? buildDomain(file.data, rules, problems) : undefined;
  const errors = problems.inFileOrder();
  if (errors.length > 0 || !file.success || !domain) return { errors };
  return {
    hash: createHash('sha256').update(text).digest('hex').slice(0, 12),
    text,
    domain,
    mode: file.data.mode,
    unmatched: file.data.unmatched,
    holdForUs: durationUs(file.data.holdFor),
    settleForUs: durationUs(file.data.settleFor),
    timezone,
    ledger: {
      maxEntries: file.data.ledger.maxEntries,
      keepForUs: durationUs(file.data.ledger.keepFor),
      labels: file.data.ledger.labels,
    },
    rules,
    alerts,
    prices: createPriceBook({ ...prices, defaultTokensOut: file.data.defaultTokensOut }),
  };
}
