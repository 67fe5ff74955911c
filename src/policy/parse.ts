import { createHash } from 'node:crypto';
import type { Metric } from '../model/amounts.js';
import type { Attribute } from '../model/call.js';
import { parseDecimal } from '../model/decimal.js';
import { MAX_WINDOW_AMOUNT, NANO_PER_USD } from '../model/money.js';
import { type Condition, parseDepth, parseGlobs } from './condition.js';
import type { Limit, Policy, RateLimit, Rule } from './policy.js';
import {
  matchKeyProblem,
  type PolicyFile,
  policySchema,
  type RuleFile,
  ruleSchema,
} from './schema.js';
import { type Path, type PolicyError, parseSource, type Source } from './source.js';
import { parseWindowSeconds } from './window.js';

/** A policy is a page or two; this is two hundred. */
const MAX_POLICY_BYTES = 1_048_576;

/** The fields that partition a rule by default, where its match names them. */
const IDENTITY: readonly Attribute[] = ['agent', 'team', 'costCentre', 'run', 'rootAgent'];

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
  const errors: PolicyError[] = [];
  const problems = new Problems(source, errors);
  addShapeProblems(problems);
  addDuplicateIds(problems);
  // Rules whose shape is good are built even if others are not, so that every mistake shows at once.
  const rules = rawRules(source).flatMap((raw, index) => {
    addMatchProblems(problems, index, raw);
    const file = ruleSchema.safeParse(raw);
    return file.success ? [buildRule(file.data, index, problems)] : [];
  });
  const file = policySchema.safeParse(source.value);
  const domain = file.success ? buildDomain(file.data, rules, problems) : undefined;
  if (errors.length > 0 || !file.success || !domain) return { errors: inFileOrder(errors) };
  return {
    hash: createHash('sha256').update(text).digest('hex').slice(0, 12),
    domain,
    mode: file.data.mode,
    unmatched: file.data.unmatched,
    rules,
  };
}

/** Collects what is wrong, each at its place. */
class Problems {
  readonly source: Source;
  readonly #errors: PolicyError[];
  constructor(source: Source, errors: PolicyError[]) {
    this.source = source;
    this.#errors = errors;
  }
  add(path: Path, message: string): void {
    this.#errors.push(this.source.errorAt(path, `${formatPath(this.source, path)}: ${message}`));
  }
  addAtKey(path: Path, key: string, message: string): void {
    const place = formatPath(this.source, [...path, key]);
    this.#errors.push(this.source.errorAtKey(path, key, `${place}: ${message}`));
  }
}

function addShapeProblems(problems: Problems): void {
  const { value } = problems.source;
  for (const issue of policySchema.safeParse(value).error?.issues ?? []) {
    const path = issue.path as Path;
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) problems.addAtKey(path, key, 'unknown key');
    } else if (valueAt(value, path) === undefined) {
      problems.add(path, 'is missing');
    } else {
      problems.add(path, issue.message.replace(/^Invalid (input|option): expected/, 'must be'));
    }
  }
}

function addMatchProblems(problems: Problems, index: number, rule: unknown): void {
  const overrides = valueAt(rule, ['overrides']);
  const inOverrides = Array.isArray(overrides)
    ? overrides.map((_, i): Path => ['overrides', i, 'match'])
    : [];
  const paths: Path[] = [['match'], ...inOverrides];
  for (const path of paths) {
    const match = valueAt(rule, path);
    if (match === null || typeof match !== 'object' || Array.isArray(match)) continue;
    for (const key of Object.keys(match)) {
      const problem = matchKeyProblem(key);
      if (problem !== undefined) problems.addAtKey(['rules', index, ...path], key, problem);
    }
  }
}

function addDuplicateIds(problems: Problems): void {
  const ids = rawRules(problems.source).map((rule) => valueAt(rule, ['id']));
  for (const [index, id] of ids.entries()) {
    if (typeof id === 'string' && ids.indexOf(id) < index) {
      problems.add(['rules', index, 'id'], 'is the id of another rule too');
    }
  }
}

function rawRules(source: Source): unknown[] {
  const rules = valueAt(source.value, ['rules']);
  return Array.isArray(rules) ? rules : [];
}

function buildRule(file: RuleFile, index: number, problems: Problems): Rule {
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
  }
  const rateLimit = file.rateLimit && buildRateLimit(file, per, path, problems);
  const money = rateLimit?.metric === 'estimated_cost_usd';
  return {
    id: file.id,
    action: file.action,
    match,
    per,
    require: file.require as Attribute[],
    rateLimit,
    failureMode: file.failureMode ?? (money || !rateLimit ? 'deny' : 'allow'),
  };
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
  path: Path,
  problems: Problems,
): RateLimit | undefined {
  if (!file.rateLimit) return undefined;
  const { metric, window } = file.rateLimit;
  const seconds = parseWindowSeconds(window);
  if (typeof seconds !== 'number') return undefined;
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
    windowUs: seconds * 1_000_000,
    shape: shapeOf(metric, seconds, per),
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

function shapeOf(metric: Metric, seconds: number, per: readonly Attribute[]): string {
  return createHash('sha256')
    .update([metric, seconds, ...per].join('|'))
    .digest('hex')
    .slice(0, 8);
}

function buildDomain(
  file: PolicyFile,
  rules: readonly Rule[],
  problems: Problems,
): Policy['domain'] {
  if (!file.domain.startsWith('{')) return { name: file.domain };
  const attribute = file.domain.slice(1, -1) as Attribute;
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

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (at, key) =>
      at !== null && typeof at === 'object' ? (at as Record<string, unknown>)[key] : undefined,
    value,
  );
}

/** `rules[0].rateLimit.limit of token-budget-daily` */
function formatPath(source: Source, path: Path): string {
  const text = path.reduce<string>(
    (at, key) => (typeof key === 'number' ? `${at}[${key}]` : at === '' ? key : `${at}.${key}`),
    '',
  );
  const id = path[0] === 'rules' ? valueAt(source.value, [...path.slice(0, 2), 'id']) : undefined;
  return typeof id === 'string' ? `${text} of "${id}"` : text || 'the file';
}

function inFileOrder(errors: PolicyError[]): PolicyError[] {
  return errors.sort((a, b) => a.line - b.line || a.column - b.column);
}
