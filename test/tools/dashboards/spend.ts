import { dashboard } from './dashboard.js';
import { bars, series, stat } from './panel.js';
import { inRange, ofAgents, perSecond, thisMonth, today, topOf, WHO } from './promql.js';
import { table } from './table.js';

const BY_AGENT = 'agent, team';

/** Of the agents with enough history, what is still to come today if the rest of the day is normal. */
const REST_OF_DAY = `clamp_min(${ofAgents('tollgate_spend_normal_day_usd', BY_AGENT)} - ${ofAgents('tollgate_spend_expected_usd', BY_AGENT)}, 0)`;

/** Who spends what, today, this month and as it goes. */
export const spend = dashboard({
  uid: 'tollgate-spend',
  title: 'Tollgate / Spend',
  description: 'What agents spend, against what is normal, and what it will come to.',
  from: 'now-24h',
  sections: [
    {
      title: 'Now',
      panels: [
        stat(
          {
            title: 'Today',
            description:
              "Spent since midnight in the policy's timezone: what `tollgate report --day today` says, to the cent.",
            unit: 'prefix:$',
            width: 4,
          },
          today(),
        ),
        stat(
          {
            title: 'Normal by now',
            description:
              'What the same agents have spent by this time on the same weekday: the median of six weeks. Agents without that history are not in it.',
            unit: 'prefix:$',
            width: 4,
          },
          ofAgents('tollgate_spend_expected_usd'),
        ),
        stat(
          {
            title: 'Today, projected',
            description:
              'Spent today, and what the rest of a normal day takes. Of agents without enough history only what they have spent.',
            unit: 'prefix:$',
            width: 4,
          },
          `sum((${today(BY_AGENT)} + ${REST_OF_DAY}) or ${today(BY_AGENT)})`,
        ),
        stat(
          {
            title: 'This month',
            description:
              "Spent since the first of the month in the policy's timezone: what `tollgate report` says, to the cent.",
            unit: 'prefix:$',
            width: 4,
          },
          thisMonth(),
        ),
        stat(
          {
            title: 'This month, projected',
            description:
              'The month at the pace of its days so far. In the first days of a month it says little.',
            unit: 'prefix:$',
            width: 4,
          },
          `${thisMonth()} * scalar(days_in_month()) / scalar(clamp_min(day_of_month() - 1 + hour() / 24, 0.5))`,
        ),
        stat(
          {
            title: 'Unsettled today',
            description:
              "The part of today's spend that is only an estimate: calls that were never settled, so that their holds ran out.",
            unit: 'prefix:$',
            width: 4,
            warnAt: 1,
          },
          ofAgents('tollgate_unsettled_today_usd'),
        ),
        table(
          {
            title: 'Agents',
            description:
              'The agents that have spent most today, beside what is normal by now. "Times normal" is only there when the day is unusual: at least twice the normal, and well outside its spread.',
            unit: 'prefix:$',
            width: 24,
          },
          ['agent', 'team'],
          [
            {
              name: 'Today',
              unit: 'prefix:$',
              decimals: 2,
              expr: `topk($top, ${today(BY_AGENT)})`,
            },
            {
              name: 'Normal by now',
              unit: 'prefix:$',
              decimals: 2,
              expr: top(ofAgents('tollgate_spend_expected_usd', BY_AGENT)),
            },
            {
              name: 'Normal day',
              unit: 'prefix:$',
              decimals: 2,
              expr: top(ofAgents('tollgate_spend_normal_day_usd', BY_AGENT)),
            },
            {
              name: 'Times normal',
              unit: 'none',
              decimals: 1,
              badAt: 2,
              expr: top(`max by (${BY_AGENT}) (tollgate_spend_unusual_ratio{${WHO}})`),
            },
            { name: 'This month', unit: 'prefix:$', decimals: 2, expr: top(thisMonth(BY_AGENT)) },
            {
              name: 'Unsettled today',
              unit: 'prefix:$',
              decimals: 2,
              expr: top(ofAgents('tollgate_unsettled_today_usd', BY_AGENT)),
            },
          ],
        ),
      ],
    },
    {
      title: 'Today, by',
      panels: [
        ...(
          [
            ['team', 'Team', 'The teams that have spent most today.'],
            ['cost_centre', 'Cost centre', 'The cost centres that pay most of today.'],
            ['tool', 'Tool', "The tools that took most of today's spend."],
            ['model', 'Model', "The models that took most of today's spend."],
          ] as const
        ).map(([label, title, description]) =>
          bars({ title, description, unit: 'prefix:$', width: 6 }, [
            `topk($top, ${today(label)})`,
            `{{${label}}}`,
          ]),
        ),
      ],
    },
    {
      title: 'Over time',
      panels: [
        series(
          {
            title: 'Today against normal',
            description:
              'Spend since midnight, what is normal by that time, and the whole of a normal day. The first line leaves the second when something is different today.',
            unit: 'currencyUSD',
            width: 12,
          },
          [
            [today(), 'today'],
            [ofAgents('tollgate_spend_expected_usd'), 'normal by then'],
            [ofAgents('tollgate_spend_normal_day_usd'), 'normal day'],
          ],
        ),
        series(
          {
            title: 'USD an hour, by agent',
            description:
              'How fast the agents that spent most in this time spend, as their calls are settled.',
            unit: 'currencyUSD',
            width: 12,
          },
          [
            [
              `3600 * (${topOf(perSecond('tollgate_spend_usd_total', 'agent'), 'tollgate_spend_usd_total', 'agent')})`,
              '{{agent}}',
            ],
          ],
          true,
        ),
        series(
          {
            title: 'USD an hour, by model',
            description: 'How fast each model is spent on, as calls are settled.',
            unit: 'currencyUSD',
            width: 12,
          },
          [
            [
              `3600 * (${topOf(perSecond('tollgate_spend_usd_total', 'model'), 'tollgate_spend_usd_total', 'model')})`,
              '{{model}}',
            ],
          ],
          true,
        ),
        series(
          {
            title: 'Tokens a second',
            description: 'Tokens in and out, as calls are settled.',
            unit: 'cps',
            width: 6,
          },
          [[perSecond('tollgate_tokens_total', 'type'), '{{type}}']],
        ),
        series(
          {
            title: 'USD a call',
            description:
              'What a call costs on average: it rises with longer prompts, longer answers or a dearer model.',
            unit: 'currencyUSD',
            width: 6,
          },
          [
            [
              `${perSecond('tollgate_spend_usd_total')} / (${perSecond('tollgate_calls_total')} > 0)`,
              'all',
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
            title: 'Spend, by agent',
            description:
              'What the sidecars have posted in the time shown. It lacks what a pod posted after Prometheus saw it last; today and this month lack nothing.',
            unit: 'prefix:$',
            width: 8,
          },
          [`topk($top, ${inRange('tollgate_spend_usd_total', 'agent')})`, '{{agent}}'],
        ),
        bars(
          {
            title: 'Calls, by agent',
            description: 'Calls admitted in the time shown; repeats are not counted.',
            unit: 'short',
            width: 8,
          },
          [`topk($top, ${inRange('tollgate_calls_total', 'agent')})`, '{{agent}}'],
        ),
        bars(
          {
            title: 'Calls at an assumed price',
            description:
              'Calls of models without a price: their spend is overstated until the policy gives one.',
            unit: 'short',
            width: 8,
          },
          [
            `topk($top, ${inRange('tollgate_assumed_price_calls_total', 'agent, model')})`,
            '{{agent}}: {{model}}',
          ],
        ),
      ],
    },
  ],
});

/** Only of the agents that have spent most today, as the table's first column. */
function top(expr: string): string {
  return `${expr} and on (${BY_AGENT}) topk($top, ${today(BY_AGENT)})`;
}
