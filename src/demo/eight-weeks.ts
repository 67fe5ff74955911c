import { dayStartMs, dayStartsMs } from '../policy/days.js';
import { parsePolicy } from '../policy/parse.js';
import { FLEET } from './fleet.js';
import type { Plan, PlannedEvent, PlannedPolicy } from './plan.js';

const DAYS = 56;
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const NANO_PER_USD = 1_000_000_000;

/** As of a policy that names none: so any other policy can ask the demo's store for the same days. */
const TIMEZONE = 'UTC';

/** Where the demo is kept, apart from what is real. */
export const DEMO_DOMAIN = 'demo';

/** The rule that the runaway loop runs into. */
const BUDGET_RULE = 'agent-daily-budget';

/** The policy of the demo, with so many USD a day for each agent. */
function policyText(dailyUsd: number): string {
  return `# The policy of the demo.
domain: ${DEMO_DOMAIN}
timezone: ${TIMEZONE}
ledger:
  labels: [channel]
prices:
  tools: { web_search: 0.01, kb_search: 0.002, "*": 0 }
rules:
  - id: ${BUDGET_RULE}
    action: block
    match: { agent: "*" }
    alertAt: [0.5, 0.8, 1.0]
    rateLimit:
      metric: estimated_cost_usd
      limit: ${dailyUsd}
      window: { calendar: day }
  - id: loop-detection
    action: block
    match: { tool: "*" }
    per: [agent, tool]
    rateLimit: { limit: 150, window: 60 }
`;
}

/** Eight weeks of the demo's fleet, up to the midnight before a moment. */
export function eightWeeks(nowMs: number): Plan {
  const toMs = dayStartMs(TIMEZONE, nowMs);
  const days = dayStartsMs(TIMEZONE, toMs - (DAYS + 2) * DAY_MS, toMs).slice(-DAYS);
  /** When a day begins that is so many before the end. */
  const daysAgo = (count: number): number => days.at(-count) ?? toMs;
  return {
    timezone: TIMEZONE,
    fromMs: daysAgo(DAYS),
    toMs,
    agents: FLEET,
    events: eventsOf(daysAgo, toMs),
    policies: [
      policyFrom(daysAgo(DAYS), policyText(40)),
      policyFrom(daysAgo(18) + 10.5 * HOUR_MS, policyText(60)),
    ],
  };
}

function eventsOf(daysAgo: (count: number) => number, toMs: number): PlannedEvent[] {
  return [
    { kind: 'growth', agent: 'lead-researcher', fromMs: daysAgo(DAYS), perWeek: 0.1 },
    {
      kind: 'switch',
      agent: 'contract-reader',
      fromMs: daysAgo(6) + 10 * HOUR_MS,
      model: 'gpt-5.2',
      provider: 'openai',
      share: 0.9,
    },
    {
      kind: 'loop',
      agent: 'invoice-matcher',
      fromMs: daysAgo(3) + 70 * MINUTE_MS,
      callsPerMinute: 90,
      haltedMs: daysAgo(3) + 280 * MINUTE_MS,
      resumedMs: daysAgo(3) + 555 * MINUTE_MS,
      by: 'ben',
      why: 'matches the same invoice again and again',
    },
    {
      kind: 'promotion',
      agent: 'customer-support-v2',
      fromMs: daysAgo(1),
      toMs,
      times: 4,
      note: 'promotion day: 20% off',
      by: 'ann',
    },
    {
      kind: 'grant',
      agent: 'customer-support-v2',
      rule: BUDGET_RULE,
      fromMs: daysAgo(1) + 7 * HOUR_MS,
      toMs,
      addNano: 40 * NANO_PER_USD,
      by: 'ann',
      why: 'more customers write on the promotion day',
    },
  ];
}

function policyFrom(fromMs: number, text: string): PlannedPolicy {
  const policy = parsePolicy(text);
  if ('errors' in policy) throw new Error(JSON.stringify(policy.errors));
  return { fromMs, policy, text };
}
