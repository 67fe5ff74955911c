import { dashboard } from './dashboard.js';
import { bars, series, stat } from './panel.js';
import { inRange, ofAgents, perSecond, topOf, WHO, WINDOW_LABELS } from './promql.js';
import { table } from './table.js';

/** A gauge of windows, each once however many keepers tell it. */
function windows(metric: string): string {
  return `max by (${WINDOW_LABELS}) (${metric}{${WHO}})`;
}

const RATIO = windows('tollgate_window_used_ratio');

/** Only of the fullest windows. */
function ofFullest(metric: string): string {
  return `${windows(metric)} and on (${WINDOW_LABELS}) topk($top, ${RATIO})`;
}

/** How near the limits are, who has met one, and what that saved. */
export const limits = dashboard({
  uid: 'tollgate-limits',
  title: 'Tollgate / Limits',
  description: 'Headroom, denials, halts and thresholds, and what blocking saved.',
  from: 'now-6h',
  sections: [
    {
      title: 'Now',
      panels: [
        stat(
          {
            title: 'Halted agents',
            description:
              'Agents whose every call is denied until the halt ends or somebody resumes them. `tollgate halts` says why.',
            unit: 'none',
            width: 4,
            badAt: 1,
          },
          `count(max by (agent) (tollgate_halted{${WHO}}) == 1) or vector(0)`,
        ),
        stat(
          {
            title: 'Windows at 80% and more',
            description:
              'Windows of rules that have used four fifths of their limit, or all of it.',
            unit: 'none',
            width: 4,
            warnAt: 1,
          },
          `count(${RATIO} >= 0.8) or vector(0)`,
        ),
        stat(
          {
            title: 'Next limit is met in',
            description:
              'The least time in which a window is used up at the pace of the last minutes. Empty when none grows.',
            unit: 's',
            width: 4,
          },
          `min(${windows('tollgate_window_exhaustion_seconds')})`,
        ),
        stat(
          {
            title: 'Denials today',
            description:
              'Answers that denied, since midnight. An agent that asks again counts again.',
            unit: 'short',
            width: 4,
          },
          ofAgents('tollgate_denied_today_calls'),
        ),
        stat(
          {
            title: 'Blocking saved today',
            description:
              'What the calls that were denied today were estimated to cost, each call once however often it was asked.',
            unit: 'prefix:$',
            width: 4,
          },
          ofAgents('tollgate_denied_today_usd'),
        ),
        stat(
          {
            title: 'Would have been denied',
            description:
              'Calls in the time shown that a rule in shadow would have denied: what the policy will do when it is in force.',
            unit: 'short',
            width: 4,
          },
          inRange('tollgate_shadow_denials_total'),
        ),
        table(
          {
            title: 'Fullest windows',
            description:
              'Used and limit are in the unit of the metric (USD, calls, tokens), with grants. A window past its limit got there by calls that used more than they held, or by a rule that only alerts.',
            unit: 'short',
            width: 16,
          },
          ['rule', 'partition', 'metric', 'agent', 'team'],
          [
            {
              name: 'Used share',
              unit: 'percentunit',
              decimals: 0,
              badAt: 0.8,
              expr: `topk($top, ${RATIO})`,
            },
            {
              name: 'Used',
              unit: 'short',
              decimals: 2,
              expr: ofFullest('tollgate_window_used'),
            },
            {
              name: 'Limit',
              unit: 'short',
              decimals: 2,
              expr: ofFullest('tollgate_window_limit'),
            },
            {
              name: 'Used up in',
              unit: 's',
              expr: ofFullest('tollgate_window_exhaustion_seconds'),
            },
          ],
        ),
        table(
          {
            title: 'Halts in force',
            description:
              'Who is halted, and by which rule; no rule means by a person, and * is every agent. `tollgate resume AGENT` ends one.',
            unit: 'none',
            width: 8,
          },
          ['agent', 'team', 'rule'],
          [
            {
              name: 'Halted',
              unit: 'none',
              expr: `max by (agent, team, rule) (tollgate_halted{${WHO}}) == 1`,
            },
          ],
        ),
      ],
    },
    {
      title: 'Over time',
      panels: [
        series(
          {
            title: 'Used share of the fullest windows',
            description:
              'Each window that is among the fullest now. At 100% its rule denies, halts or alerts, as the policy says.',
            unit: 'percentunit',
            width: 12,
            warnAt: 0.8,
            badAt: 1,
          },
          [
            [
              `${RATIO} and on (${WINDOW_LABELS}) topk($top, max by (${WINDOW_LABELS}) (tollgate_window_used_ratio{${WHO}} @ end()))`,
              '{{rule}} {{partition}}',
            ],
          ],
        ),
        series(
          {
            title: 'Denials a second, by agent and rule',
            description:
              'Rule halt is a halted agent that goes on asking; unpriced is a model without a price; degraded is a failure mode, since Redis gave no answer; none is a call that no rule matches.',
            unit: 'cps',
            width: 12,
          },
          [
            [
              topOf(
                perSecond('tollgate_denials_total', 'agent, rule'),
                'tollgate_denials_total',
                'agent, rule',
              ),
              '{{agent}} {{rule}}',
            ],
          ],
          true,
        ),
        series(
          {
            title: 'Would have been denied, a second',
            description: 'Calls that rules in shadow let pass, by rule.',
            unit: 'cps',
            width: 12,
          },
          [[perSecond('tollgate_shadow_denials_total', 'rule'), '{{rule}}']],
        ),
        series(
          {
            title: 'Overage, USD an hour, by agent',
            description:
              'What calls cost beyond what they held: the only way in which a window passes its limit. If it is large, agents ask for too little.',
            unit: 'currencyUSD',
            width: 12,
          },
          [
            [
              `3600 * (${topOf(perSecond('tollgate_overage_usd_total', 'agent'), 'tollgate_overage_usd_total', 'agent')})`,
              '{{agent}}',
            ],
          ],
        ),
      ],
    },
    {
      title: 'In the time shown',
      panels: [
        bars(
          {
            title: 'Denials',
            description: 'Who was denied most in the time shown, and by which rule.',
            unit: 'short',
            width: 6,
          },
          [
            `topk($top, ${inRange('tollgate_denials_total', 'agent, rule')})`,
            '{{agent}}: {{rule}}',
          ],
        ),
        bars(
          {
            title: 'Halts',
            description: 'Agents that a rule halted in the time shown.',
            unit: 'short',
            width: 6,
          },
          [`topk($top, ${inRange('tollgate_halts_total', 'agent, rule')})`, '{{agent}}: {{rule}}'],
        ),
        bars(
          {
            title: 'Thresholds',
            description:
              'Shares of limits, as alertAt names them, that were reached in the time shown.',
            unit: 'short',
            width: 6,
          },
          [
            `topk($top, ${inRange('tollgate_thresholds_raised_total', 'agent, rule, threshold')})`,
            '{{agent}}: {{threshold}} of {{rule}}',
          ],
        ),
        bars(
          {
            title: 'Blocking saved today',
            description:
              'What the denied calls of each agent were estimated to cost, each call once.',
            unit: 'prefix:$',
            width: 6,
          },
          [`topk($top, ${ofAgents('tollgate_denied_today_usd', 'agent')})`, '{{agent}}'],
        ),
      ],
    },
    {
      title: "Messages to people, by the policy's alerts",
      panels: [
        series(
          {
            title: 'Sent, in five minutes',
            description: 'Messages that a webhook has taken, by what happened.',
            unit: 'short',
            width: 8,
          },
          [
            [
              'sum by (route, event) (increase(tollgate_alerts_sent_total[5m]))',
              '{{route}}: {{event}}',
            ],
          ],
        ),
        series(
          {
            title: 'Failed, in five minutes',
            description: 'Messages that a webhook did not take. They are tried again, a few times.',
            unit: 'short',
            width: 8,
            badAt: 1,
          },
          [['sum by (route) (increase(tollgate_alerts_failed_total[5m]))', '{{route}}']],
        ),
        series(
          {
            title: 'Waiting',
            description: 'Messages that are to be sent, or sent again. It should be near 0.',
            unit: 'short',
            width: 8,
          },
          [['max(tollgate_alerts_waiting)', 'waiting']],
        ),
      ],
    },
  ],
});
