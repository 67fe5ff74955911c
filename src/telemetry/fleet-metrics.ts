import type { Families } from './families.js';

const WINDOW = ['rule', 'partition', 'metric', 'agent', 'team'] as const;
const WHO = ['agent', 'team', 'cost_centre', 'tool', 'model'] as const;
const AGENT = ['agent', 'team'] as const;

const WHOSE =
  'agent and team where the partition has them; of a rule per run, fingerprint or label only the fullest window is told, as partition "fullest". Of keepers';

/**
 * How the fleet stands, over all domains, as a keeper has read it from Redis last. Two keepers say the same, so
 * take the max of them.
 */
export function fleetMetrics({ gauge, gauges }: Families) {
  return {
    windowUsed: gauges(
      'tollgate_window_used',
      `What is used of a limit, held and settled, in the unit of the metric: USD, calls or tokens; ${WHOSE}.`,
      WINDOW,
      'drop',
    ),
    windowLimit: gauges(
      'tollgate_window_limit',
      `The limit, with the grants that are in force, in the unit of the metric; ${WHOSE}.`,
      WINDOW,
      'drop',
    ),
    windowUsedRatio: gauges(
      'tollgate_window_used_ratio',
      `Used by limit, 1 is full; absent for a limit of 0; ${WHOSE}. For headroom and its alerts.`,
      WINDOW,
      'drop',
    ),
    windowExhaustion: gauges(
      'tollgate_window_exhaustion_seconds',
      `Seconds until the window is full at the pace of the last 10 minutes at most, with what leaves it meanwhile; absent where it will not be, and where the rule denies nothing; ${WHOSE}.`,
      WINDOW,
      'drop',
    ),
    spendToday: gauges(
      'tollgate_spend_today_usd',
      'Spend of the day so far, in USD, by the timezone of the policy: what `report --day today` says. Of keepers.',
      WHO,
      'sum',
    ),
    spendMonth: gauges(
      'tollgate_spend_month_usd',
      'Spend of the month so far, in USD, by the timezone of the policy: what `report` says. Of keepers.',
      WHO,
      'sum',
    ),
    spendExpected: gauges(
      'tollgate_spend_expected_usd',
      'What was to be expected by this time of the day, in USD: the median of the same weekday over six weeks; absent under three days of history. Of keepers, read every five minutes.',
      AGENT,
      'sum',
    ),
    spendNormalDay: gauges(
      'tollgate_spend_normal_day_usd',
      'What is spent on a whole day, in USD: the median of the days with spend over six weeks; absent under three days of history. Of keepers.',
      AGENT,
      'sum',
    ),
    spendUnusualRatio: gauges(
      'tollgate_spend_unusual_ratio',
      'Spend of the day so far by what was expected by now, of agents for whom it is unusual: twice as much, far from their other days, and more than cents; absent for others. Of keepers.',
      AGENT,
      'drop',
    ),
    unsettledToday: gauges(
      'tollgate_unsettled_today_usd',
      'Part of the spend of the day, in USD, that is an estimate: of calls whose holds ran out unsettled. Of keepers.',
      AGENT,
      'sum',
    ),
    deniedTodayUsd: gauges(
      'tollgate_denied_today_usd',
      'What calls that were denied today were estimated to cost, in USD, each call once: what blocking has saved. Of keepers.',
      AGENT,
      'sum',
    ),
    deniedTodayCalls: gauges(
      'tollgate_denied_today_calls',
      'Denials of the day so far; a call that is asked again and denied again counts again. Of keepers.',
      AGENT,
      'sum',
    ),
    halted: gauges(
      'tollgate_halted',
      '1 for each agent that is halted now, "*" for all, by the rule that halted it ("" is a person). Of keepers.',
      ['agent', 'team', 'rule'],
      'drop',
    ),
    gates: gauge(
      'tollgate_gates',
      'Gates that have told of themselves in the last 15 s. Of keepers; 0 with agents at work is a fleet without limits.',
    ),
    gatePolicies: gauge(
      'tollgate_gate_policies',
      'Different policies in force on gates. Of keepers; over 1 for long is drift.',
    ),
    fleetAge: gauge(
      'tollgate_fleet_age_seconds',
      'Age of what this scrape shows of windows, spend, halts and gates, in seconds; +Inf before the first reading. Of keepers; growing, all of that is old.',
    ),
  };
}

export type FleetMetrics = ReturnType<typeof fleetMetrics>;
