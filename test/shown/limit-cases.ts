import type { Case } from './case.js';

const LOOPING = { agent: 'a', team: 't', rule: 'loop-detection' };
const BUDGET = { agent: 'a', team: 't', rule: 'budget' };

function denials(labels: string): string {
  return `tollgate_denials_total{agent="a",team="t",${labels}}`;
}

/** Alerts about limits of agents: pods come and go, and there are two keepers. */
export const LIMIT_CASES: readonly Case[] = [
  {
    alert: 'TollgateAgentBlocked',
    what: 'the first denials of a new series fire with the second scrape',
    series: { [denials('rule="budget",pod="1"')]: '0 3' },
    at: '5s',
    fires: [[BUDGET, 'Agent a of team t is blocked by budget: about 3 denied calls in 5 minutes']],
  },
  {
    alert: 'TollgateAgentBlocked',
    what: 'it is one alert, whatever pods there are',
    series: {
      [denials('rule="budget",pod="1"')]: '0 2 stale',
      [denials('rule="budget",pod="2"')]: '_ _ 0 4x5',
      'tollgate_denials_total{agent="b",rule="budget",pod="3"}': '0 1x5',
    },
    at: '20s',
    fires: [
      // Six: of a pod that is gone, increase() counts on for half a scrape.
      [BUDGET, 'Agent a of team t is blocked by budget: about 7 denied calls in 5 minutes'],
      [
        { agent: 'b', rule: 'budget' },
        'Agent b is blocked by budget: about 1 denied calls in 5 minutes',
      ],
    ],
  },
  {
    alert: 'TollgateAgentBlocked',
    what: 'it stays while the agent meets its limit now and then',
    series: { [denials('rule="budget"')]: '0 1x120 2x300' },
    at: '24m',
    fires: [[BUDGET, 'Agent a of team t is blocked by budget: about 1 denied calls in 5 minutes']],
  },
  {
    alert: 'TollgateAgentBlocked',
    what: 'it ends when nothing has been denied for long',
    series: { [denials('rule="budget"')]: '0 1x400' },
    at: '21m',
    fires: [],
  },
  {
    alert: 'TollgateAgentBlocked',
    what: 'old denials, loops, halts, models without a price and failure modes are not its own',
    series: {
      [denials('rule="old"')]: '7x20',
      [denials('rule="Tool-Loop"')]: '0 3x20',
      [denials('rule="halt"')]: '0 3x20',
      [denials('rule="unpriced"')]: '0 3x20',
      [denials('rule="degraded"')]: '0 3x20',
      [denials('rule="again"')]: '0 1x20',
      'tollgate_halts_total{agent="a",team="t",rule="again"}': '0 1x20',
    },
    at: '30s',
    fires: [],
  },
  {
    alert: 'TollgateAgentHalted',
    what: 'two keepers tell of one halt, by a rule, and of one of all agents, by a person',
    series: {
      'tollgate_halted{agent="a",team="t",rule="again",pod="k1"}': '1x5',
      'tollgate_halted{agent="a",team="t",rule="again",pod="k2"}': '1x5',
      'tollgate_halted{agent="*",team="",rule="",pod="k1"}': '1x5',
    },
    at: '5s',
    fires: [
      [{ agent: '*' }, 'Every agent is halted by a person: 1 halt in force'],
      [
        { agent: 'a', team: 't', rule: 'again' },
        'Agent a of team t is halted by again: 1 halt in force',
      ],
    ],
  },
  {
    alert: 'TollgateAgentHalted',
    what: 'an agent that is resumed is not halted',
    series: { 'tollgate_halted{agent="a",team="t",rule="again"}': '1 1 0x30' },
    at: '2m',
    fires: [],
  },
  {
    alert: 'TollgateLoopDetected',
    what: 'a rule against loops that denies, on two pods, is one alert',
    series: {
      [denials('rule="loop-detection",pod="1"')]: '0 2x5',
      [denials('rule="loop-detection",pod="2"')]: '0 3x5',
    },
    at: '5s',
    fires: [
      [
        LOOPING,
        'Agent a of team t looks like it is in a loop: loop-detection stopped it about 5 times in 5 minutes',
      ],
    ],
  },
  {
    alert: 'TollgateLoopDetected',
    what: 'so does a rule that halts, whatever its name',
    series: {
      [denials('rule="again"')]: '0 1x5',
      'tollgate_halts_total{agent="a",team="t",rule="again"}': '0 1x5',
    },
    at: '5s',
    fires: [
      [
        { agent: 'a', team: 't', rule: 'again' },
        'Agent a of team t looks like it is in a loop: again stopped it about 1 times in 5 minutes',
      ],
    ],
  },
  {
    alert: 'TollgateLoopDetected',
    what: 'a budget that denies is no loop, nor is a failure mode',
    series: { [denials('rule="budget"')]: '0 9x5', [denials('rule="degraded"')]: '0 9x5' },
    at: '5s',
    fires: [],
  },
  {
    alert: 'TollgateThresholdReached',
    what: 'a threshold fires with its share',
    series: {
      'tollgate_thresholds_raised_total{agent="a",team="t",rule="budget",threshold="0.8"}': '0 1x5',
    },
    at: '5s',
    fires: [
      [{ ...BUDGET, threshold: '0.8' }, 'Agent a of team t has used 80% of the limit of budget'],
    ],
  },
  {
    alert: 'TollgateThresholdReached',
    what: 'one that comes with a denial is told by the denial',
    series: {
      'tollgate_thresholds_raised_total{agent="a",team="t",rule="budget",threshold="1"}': '0 1x5',
      [denials('rule="budget"')]: '0 1x5',
    },
    at: '5s',
    fires: [],
  },
  {
    alert: 'TollgateBudgetGoneWithinHour',
    what: 'the pace has to last, and two keepers tell of it',
    series: {
      'tollgate_window_exhaustion_seconds{rule="budget",partition="agent=a",metric="estimated_cost_usd",agent="a",team="t",pod="k1"}':
        '1800x40',
      'tollgate_window_exhaustion_seconds{rule="budget",partition="agent=a",metric="estimated_cost_usd",agent="a",team="t",pod="k2"}':
        '1800x40',
    },
    at: '2m30s',
    fires: [
      [
        { ...BUDGET, partition: 'agent=a' },
        'agent=a of team t reaches its limit of budget in 30m 0s at the pace of the last minutes',
      ],
    ],
  },
  {
    alert: 'TollgateBudgetGoneWithinHour',
    what: 'a slow pace, a short one and a rule on calls are silent',
    series: {
      'tollgate_window_exhaustion_seconds{rule="budget",partition="agent=a",metric="estimated_cost_usd",agent="a"}':
        '7200x40',
      'tollgate_window_exhaustion_seconds{rule="budget",partition="agent=b",metric="estimated_cost_usd",agent="b"}':
        '60x10 7200x40',
      'tollgate_window_exhaustion_seconds{rule="calls",partition="agent=a",metric="calls",agent="a"}':
        '10x40',
    },
    at: '2m30s',
    fires: [],
  },
];
