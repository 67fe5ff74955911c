import { createHash } from 'node:crypto';
import type { Metric } from '../model/amounts.js';
import type { Attribute } from '../model/call.js';
import { parseDecimal } from '../model/decimal.js';
import { MAX_WINDOW_AMOUNT, NANO_PER_USD } from '../model/money.js';
import type { Identity } from '../model/settlement.js';
import { formatCalendar } from '../model/window.js';
import { type Condition, parseDepth, parseGlobs } from './condition.js';
import type { Limit, Policy, RateLimit, Rule } from './policy.js';
import { type Problems, valueAt } from './problems.js';
import type { PolicyFile, RuleFile } from './schema.js';
import type { Path } from './source.js';
import { parseWindowSeconds, type Window } from './window.js';

/** The fields that partition a rule by default, where its match names them. */
const IDENTITY: readonly Attribute[] = ['agent', 'team', 'costCentre', 'run', 'rootAgent'];

/** A rule whose shape is good, ready to match calls; what is wrong between its parts is added. */
export function buildRule(
  file: RuleFile,
  index: number,
  timezone: string,
  problems: Problems,
): Rule {
  const path: Path = ['rules', index];
  const match = buildMatch(file.match);
  const named = IDENTITY.filter((attribute) => Object.hasOwn(file.match, attribute));
  const per = (file.per as Attribute[] | undefined) ?? (named.length > 0 ? named : ['agent']);
  if (new Set(per).size < per.length) problems.add([...path, 'per'], 'names a field twice');
  if (!file.rateLimit) {
    for (const key of ['alertAt', 'overrides', 'per'] as const) {
      if (valueAt(problems.source.value, [...path, key]) !== undefined) {
        problems.add([...path, key], 'needs a rateLimit in the same rule');
      }
    }
    if (file.action === 'alert') problems.add(path, 'an alert rule needs a rateLimit');
    if (file.action === 'halt') {
      problems.add(
        path,
        'a halt rule needs a rateLimit; with limit 0 it halts at the first such call',
      );
    }
  }
  if (file.haltFor !== undefined && file.action !== 'halt') {
    problems.add([...path, 'haltFor'], 'needs the action halt');
  }
  const rateLimit = file.rateLimit && buildRateLimit(file, per, timezone, path, problems);
  const money = rateLimit?.metric === 'estimated_cost_usd';
  return {
    id: file.id,
    action: file.action,
    match,
    per,
    require: file.require as Attribute[],
    rateLimit,
    haltForUs: file.haltFor === undefined ? 0 : durationUs(file.haltFor),
    failureMode: file.failureMode ?? (money || !rateLimit ? 'deny' : 'allow'),
  };
}

/** Microseconds of a duration that the schema has let pass. */
export function durationUs(duration: string | number): number {
  const seconds = parseWindowSeconds(duration);
  return typeof seconds === 'number' ? seconds * 1_000_000 : 0;
}

function buildMatch(match: RuleFile['match']): Condition[] {
  const conditions: Condition[] = [];
  for (const [key, value] of Object.entries(match)) {
    const patterns = (Array.isArray(value) ? value : [value]) as string[];
    const parsed =
      key === 'depth' ? parseDepth(String(value)) : parseGlobs(key as Attribute, patterns);
    // The schema has refused what does not parse.
    if (!('problem' in parsed)) conditions.push(parsed);
  }
  return conditions;
}

function buildRateLimit(
  file: RuleFile,
  per: readonly Attribute[],
  timezone: string,
  path: Path,
  problems: Problems,
): RateLimit | undefined {
  if (!file.rateLimit) return undefined;
  const { metric } = file.rateLimit;
  const window: Window =
    typeof file.rateLimit.window === 'object'
      ? {
          calendar: file.rateLimit.window.calendar,
          timezone: file.rateLimit.window.timezone ?? timezone,
        }
      : { lengthUs: durationUs(file.rateLimit.window) };
  const alertAt = file.alertAt ?? (file.action === 'alert' ? [1] : []);
  if (alertAt.some((share, i) => i > 0 && share <= (alertAt[i - 1] ?? 0))) {
    problems.add([...path, 'alertAt'], 'must ascend');
  }
  const limitAt = (limitPath: Path): Limit => {
    const amount = parseLimit(problems.source.digitsAt(limitPath), metric);
    if (typeof amount === 'number') return buildLimit(amount, alertAt);
    problems.add(limitPath, amount.problem);
    return buildLimit(0, alertAt);
  };
  return {
    metric,
    limit: limitAt([...path, 'rateLimit', 'limit']),
    window,
    shape: shapeOf(metric, window, per),
    alertAt,
    overrides: file.overrides.map((override, i) => ({
      match: buildMatch(override.match),
      limit: limitAt([...path, 'overrides', i, 'limit']),
    })),
  };
}

function buildLimit(amount: number, alertAt: readonly number[]): Limit {
  // In millionths, so that 0.1 of 30 is 3 and not 3.0000000000000004.
  const thresholds = alertAt.map((share) => {
    const parts = BigInt(Math.round(share * 1e6)) * BigInt(amount);
    return Number((parts + 999_999n) / 1_000_000n);
  });
  return { amount, thresholds };
}

/** A limit in the unit of the metric, from the digits of the file. */
function parseLimit(digits: string, metric: Metric): number | { problem: string } {
  const money = metric === 'estimated_cost_usd';
  const amount = parseDecimal(digits, money ? 9 : 0);
  if (amount === undefined) {
    return {
      problem: money
        ? 'must be a plain decimal in USD with at most 9 decimals, such as 50.00'
        : `must be a whole number of ${metric}`,
    };
  }
  if (amount > BigInt(MAX_WINDOW_AMOUNT)) {
    const most = money
      ? `${MAX_WINDOW_AMOUNT / NANO_PER_USD} USD`
      : `${MAX_WINDOW_AMOUNT} ${metric}`;
    return { problem: `must be at most ${most}` };
  }
  return Number(amount);
}

function shapeOf(metric: Metric, window: Window, per: readonly Attribute[]): string {
  const time =
    'lengthUs' in window ? window.lengthUs / 1e6 : formatCalendar(window.calendar, window.timezone);
  return createHash('sha256')
    .update([metric, time, ...per].join('|'))
    .digest('hex')
    .slice(0, 8);
}

/** The domain; with one for each value of a field, no rule's window may span two of them. */
export function buildDomain(
  file: PolicyFile,
  rules: readonly Rule[],
  problems: Problems,
): Policy['domain'] {
  if (!file.domain.startsWith('{')) return { name: file.domain };
  const attribute = file.domain.slice(1, -1) as keyof Identity;
  for (const [index, rule] of rules.entries()) {
    if (rule.rateLimit && !rule.per.includes(attribute)) {
      problems.add(
        ['rules', index],
        `its windows would span domains: with domain "{${attribute}}" every rule's per must contain ${attribute}`,
      );
    }
  }
  return { attribute };
}
