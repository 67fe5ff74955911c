import type { Facts, ThresholdEntry } from '../model/entry.js';
import { calendarEdges } from '../policy/calendar.js';
import { dayStartMs } from '../policy/days.js';
import { encodeValue } from '../policy/partition.js';
import type { RateLimit, Rule } from '../policy/policy.js';
import type { Draft } from './draft.js';
import { eventsOf, type Plan, policyAt } from './plan.js';

/** What one agent has used of its budget on one day: settled and held. */
interface Used {
  readonly dayMs: number;
  nano: number;
  /** Thresholds that were raised. */
  raised: number;
}

/** Why a call is denied. */
export interface Denial {
  readonly rule: string;
  readonly partition: string;
  /** Of its window, nano-dollars. */
  readonly used: number;
  readonly limit: number;
  /** When its window begins anew. */
  readonly retryAtUs: number;
  /** Thresholds that it raises: a denial counts as the whole limit. */
  readonly raised: readonly Draft[];
}

/** The daily budgets of a plan's policies, kept as a sidecar would. */
export interface Budgets {
  /** Takes the cost, unless it does not fit. */
  take(facts: Facts, nano: number, atMs: number): Denial | readonly Draft[];
  /** Gives back what was taken too much, while that day lasts. */
  giveBack(agent: string, nano: number, takenMs: number, atMs: number): void;
}

export function createBudgets(plan: Plan): Budgets {
  const budgets = new Map<string, Used>();

  function usedOn(agent: string, timezone: string, atMs: number): Used {
    const dayMs = dayStartMs(timezone, atMs);
    const known = budgets.get(agent);
    if (known?.dayMs === dayMs) return known;
    const fresh = { dayMs, nano: 0, raised: 0 };
    budgets.set(agent, fresh);
    return fresh;
  }

  return {
    take({ agent, team, tool, run }, nano, atMs) {
      const { policy } = policyAt(plan, atMs);
      const rule = budgetRule(policy.rules);
      if (!rule) return [];
      const { id, rateLimit } = rule;
      const used = usedOn(agent, policy.timezone, atMs);
      const grants = eventsOf(plan, agent, 'grant').filter(
        ({ fromMs, toMs }) => fromMs <= atMs && atMs < toMs,
      );
      const limit = grants.reduce((sum, { addNano }) => sum + addNano, rateLimit.limit.amount);
      const partition = `agent=${encodeValue(agent)}`;
      const who = { agent, team, tool, run };
      const base = { kind: 'threshold', rule: id, partition, ...who, limit } as const;
      const fits = used.nano + nano <= limit;
      if (fits) used.nano += nano;
      const reached = fits ? used.nano : limit;
      const due = rateLimit.alertAt
        .map((share) => Math.ceil(share * limit))
        .filter((amount) => amount > used.raised && reached >= amount);
      used.raised = Math.max(used.raised, ...due);
      const raised = due.map((amount) => thresholdAt(base, amount));
      if (fits) return raised;
      const [, , retryAtUs] = calendarEdges('day', policy.timezone, atMs * 1000);
      return { rule: id, partition, used: used.nano, limit, retryAtUs, raised };
    },

    giveBack(agent, nano, takenMs, atMs) {
      const { timezone } = policyAt(plan, atMs).policy;
      const used = usedOn(agent, timezone, atMs);
      if (dayStartMs(timezone, takenMs) === used.dayMs) used.nano -= nano;
    },
  };
}

function thresholdAt(
  base: Omit<ThresholdEntry, 'id' | 'atMs' | 'metric' | 'amount'>,
  amount: number,
): Draft {
  return { ...base, metric: 'estimated_cost_usd', amount };
}

/** The rule that limits what each agent spends in a calendar day: the only kind that a plan's calls reach. */
function budgetRule(rules: readonly Rule[]): (Rule & { rateLimit: RateLimit }) | undefined {
  return rules.find(
    (rule): rule is Rule & { rateLimit: RateLimit } =>
      rule.rateLimit?.metric === 'estimated_cost_usd' &&
      'calendar' in rule.rateLimit.window &&
      rule.rateLimit.window.calendar === 'day' &&
      rule.per.join() === 'agent',
  );
}
