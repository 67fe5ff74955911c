import { formatMetric, type Metric } from '../model/amounts.js';
import type { Call } from '../model/call.js';
import type { EventEntry, PolicyEntry } from '../model/entry.js';
import type { SpendAttributes } from '../model/spend.js';
import { type MatchedRule, matchRules } from '../policy/match.js';
import { parsePolicy } from '../policy/parse.js';
import type { Policy } from '../policy/policy.js';
import { formatLength, type Window } from '../policy/window.js';
import type { PolicyText } from '../store/spend.js';
import { roundUsd } from './figures.js';

/** What one rule lets an agent use: "$50" and "a day for each agent". */
export interface LimitText {
  readonly amount: string;
  readonly rest: string;
}

/** The limit of one rule over time; undefined where the policy did not have the rule, or not for these calls. */
export interface RuleLimits {
  readonly rule: string;
  /** Undefined of a rule that denies outright. */
  readonly metric: Metric | undefined;
  readonly was: LimitText | undefined;
  readonly now: LimitText | undefined;
  /** Each change since then, and what it became. */
  readonly changes: readonly { readonly atMs: number; readonly to: LimitText | undefined }[];
}

export interface Limits {
  /** Those of money first, and of these those of each agent. */
  readonly rules: readonly RuleLimits[];
  /** Whether it is known which limits there were, and are. */
  readonly thenKnown: boolean;
  readonly nowKnown: boolean;
  /** The hashes of the policies in force; undefined where no policy is known. */
  readonly policyThen: string | undefined;
  readonly policyNow: string | undefined;
  /** Since when it is known which policy was in force. */
  readonly knownSinceMs: number | undefined;
}

/** Text of a policy can be read once, and is in force many times. That of a large one is not kept. */
function reader(
  texts: ReadonlyMap<string, PolicyText>,
  own: Policy | undefined,
): (hash: string) => Policy | undefined {
  const read = new Map<string, Policy | undefined>(own && [[own.hash, own]]);
  return (hash) => {
    if (!read.has(hash)) {
      const policy = parsePolicy(texts.get(hash)?.text ?? '');
      read.set(hash, 'errors' in policy ? undefined : policy);
    }
    return read.get(hash);
  };
}

/**
 * The limits for some calls at a moment, now, and when they changed in between.
 * @param events all that are known, in order; those of policies count
 * @param spentMs when the first of these calls had been made: thenMs if it was before that
 * @param fallback counts as the one that is in force where the ledger knows of none
 */
export function limitsOf(
  events: readonly EventEntry[],
  texts: ReadonlyMap<string, PolicyText>,
  attributes: readonly SpendAttributes[],
  thenMs: number,
  spentMs: number,
  fallback: Policy | undefined,
): Limits {
  const policies = events.filter((event): event is PolicyEntry => event.kind === 'policy');
  const calls = attributes.map(callOf);
  const policyOf = reader(texts, fallback);
  // Gates tell of their policy as they start, so the first that is known was in force when spend began after it.
  const at = policies.findLastIndex(({ atMs }) => atMs <= thenMs);
  const from = at < 0 && (policies[0]?.atMs ?? 0) < spentMs ? 0 : at;
  const first = policies[from];
  const later = policies.slice(from + 1);
  const then = first && policyOf(first.hash);
  const now = policies.length > 0 ? policyOf(policies.at(-1)?.hash ?? '') : fallback;
  const steps = later.flatMap(({ atMs, hash }) => {
    const policy = policyOf(hash);
    return policy ? [{ atMs, limits: limitsUnder(policy, calls) }] : [];
  });
  const limitsThen = then ? limitsUnder(then, calls) : new Map<string, Found>();
  const limitsNow = now ? limitsUnder(now, calls) : new Map<string, Found>();
  const all = [limitsNow, limitsThen, ...steps.map(({ limits }) => limits)];
  const found = [...new Set(all.flatMap((limits) => [...limits.keys()]))];
  const rank = (rule: string) => all.find((limits) => limits.has(rule))?.get(rule)?.rank ?? 0;
  return {
    rules: found
      .toSorted((a, b) => rank(a) - rank(b))
      .map((rule) => {
        const changes: { atMs: number; to: LimitText | undefined }[] = [];
        // Where it is not known what was, the first that is known is no change.
        let last = then ? limitsThen.get(rule)?.text : steps[0]?.limits.get(rule)?.text;
        for (const { atMs, limits } of steps) {
          const to = limits.get(rule)?.text;
          if (!sameText(last, to)) changes.push({ atMs, to });
          last = to;
        }
        const [before, current] = [limitsThen.get(rule)?.text, limitsNow.get(rule)?.text];
        const metric = all.find((limits) => limits.has(rule))?.get(rule)?.metric;
        return { rule, metric, was: before, now: current, changes };
      }),
    thenKnown: then !== undefined,
    nowKnown: now !== undefined,
    policyThen: first?.hash,
    policyNow: policies.at(-1)?.hash,
    knownSinceMs: policies[0]?.atMs,
  };
}

/** What a rule counts. */
export function metricOf({ rules }: Limits, rule: string): Metric | undefined {
  return rules.find((one) => one.rule === rule)?.metric;
}

export function sameText(a: LimitText | undefined, b: LimitText | undefined): boolean {
  return a?.amount === b?.amount && a?.rest === b?.rest;
}

export function limitText(limit: LimitText | undefined): string {
  return limit ? `${limit.amount} ${limit.rest}`.trim() : 'no such rule';
}

interface Found {
  readonly text: LimitText;
  readonly metric: Metric | undefined;
  readonly rank: number;
}

function limitsUnder(policy: Policy, calls: readonly Call[]): Map<string, Found> {
  const matched = new Map<string, MatchedRule[]>();
  for (const call of calls) {
    for (const match of matchRules(policy, call)) {
      matched.set(match.rule.id, [...(matched.get(match.rule.id) ?? []), match]);
    }
  }
  const found = new Map<string, Found>();
  for (const [id, matches] of matched) found.set(id, foundOf(policy, matches));
  return found;
}

function foundOf(policy: Policy, matches: readonly MatchedRule[]): Found {
  const rule = matches[0]?.rule;
  const rateLimit = rule?.rateLimit;
  if (!rule || !rateLimit)
    return { text: { amount: 'no such call', rest: '' }, metric: undefined, rank: 3 };
  const { metric, window } = rateLimit;
  const amounts = [...new Set(matches.flatMap(({ counted }) => counted?.limit.amount ?? []))];
  const money = metric === 'estimated_cost_usd';
  const amount = amounts
    .toSorted((a, b) => a - b)
    .map((nano) => (money ? shortUsd(nano) : formatMetric(nano, metric)))
    .join(' or ');
  const whose = rule.per.length === 0 ? 'for all together' : `for each ${rule.per.join(' and ')}`;
  const action = policy.mode === 'shadow' ? 'shadow' : rule.action;
  const weak = {
    block: '',
    halt: ', else it is halted',
    alert: ' (alert only)',
    shadow: ' (only counted)',
  };
  return {
    text: { amount, rest: `${windowText(window)} ${whose}${weak[action]}` },
    metric,
    rank: money ? (rule.per.includes('agent') ? 0 : 1) : 2,
  };
}

function shortUsd(nano: number): string {
  return roundUsd(BigInt(nano)).replace(/\.00$/, '');
}

const LENGTHS: Readonly<Record<number, string>> = {
  60e6: 'a minute',
  3600e6: 'an hour',
  86400e6: 'a day',
  604800e6: 'a week',
};

function windowText(window: Window): string {
  if ('calendar' in window) return `a calendar ${window.calendar}`;
  return LENGTHS[window.lengthUs] ?? `in any ${formatLength(window.lengthUs)}`;
}

/** A call as these attributes would make it; of its run and instance nothing is known but that it has them. */
function callOf(attributes: SpendAttributes): Call {
  return {
    ...attributes,
    callId: '',
    instance: 'any',
    run: 'any',
    parent: '',
    parentCallId: '',
    depth: 0,
    fingerprint: '',
    tokensIn: 0,
    tokensOut: 0,
    maxTokensOut: 0,
    inputBytes: 0,
    estimatedCostUsd: undefined,
    final: false,
    timestampMs: undefined,
  };
}
