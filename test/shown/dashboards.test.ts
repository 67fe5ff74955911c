import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { NO_PROMETHEUS, promtool } from '../support/promtool.js';
import { scratchFolder, writeScratch } from '../support/scratch.js';
import { BOARDS, panelsOf } from './boards.js';
import { filledIn } from './expression.js';

const folder = scratchFolder();

/** What two keepers tell of the same Redis, and two gates of their own calls. */
const SERIES: Record<string, string> = {};
for (const instance of ['k1', 'k2']) {
  const own = (name: string, labels: string, value: number) => {
    SERIES[`${name}{${labels},instance="${instance}"}`] = `${value}x20`;
  };
  const call = (rest: string) => `agent="a",team="t",cost_centre="c",${rest}`;
  own('tollgate_spend_today_usd', call('tool="x",model="m"'), 5);
  own('tollgate_spend_today_usd', call('tool="y",model="m"'), 3);
  own('tollgate_spend_today_usd', 'agent="b",team="",cost_centre="",tool="x",model="n"', 2);
  own('tollgate_spend_month_usd', call('tool="x",model="m"'), 50);
  own('tollgate_spend_expected_usd', 'agent="a",team="t"', 4);
  own('tollgate_spend_normal_day_usd', 'agent="a",team="t"', 9);
  own('tollgate_unsettled_today_usd', 'agent="a",team="t"', 1);
  own('tollgate_denied_today_usd', 'agent="a",team="t"', 7);
  own('tollgate_denied_today_calls', 'agent="a",team="t"', 30);
  own('tollgate_halted', 'agent="a",team="t",rule="loop"', 1);
  own('tollgate_halted', 'agent="b",team="",rule="loop"', 1);
  for (const [partition, ratio] of [
    ['agent=a', 0.9],
    ['agent=b', 0.2],
  ] as const) {
    own(
      'tollgate_window_used_ratio',
      `rule="budget",partition="${partition}",metric="estimated_cost_usd",agent="a",team="t"`,
      ratio,
    );
  }
}
for (const [instance, total] of [
  ['g1', '0 6x20'],
  ['g2', '0 4x20'],
] as const) {
  const labels = `agent="a",team="t",instance="${instance}"`;
  SERIES[`tollgate_shadow_denials_total{${labels},rule="soon"}`] = total;
  SERIES[`tollgate_denials_total{${labels},rule="budget"}`] = total;
}

/** Panels, and what they show then: labels and values of their first query. */
const SHOWN: readonly (readonly [
  board: string,
  panel: string,
  samples: readonly (readonly [labels: string, value: number])[],
])[] = [
  ['spend', 'Today', [['{}', 10]]],
  ['spend', 'Normal by now', [['{}', 4]]],
  // Of a, 8 and the 5 that a normal day still takes; of b, which has no history, its 2.
  ['spend', 'Today, projected', [['{}', 15]]],
  ['spend', 'This month', [['{}', 50]]],
  // The clock of promtool stands in the first hours of January 1970: half a day of 31.
  ['spend', 'This month, projected', [['{}', 3_100]]],
  ['spend', 'Unsettled today', [['{}', 1]]],
  [
    'spend',
    'Agents',
    [
      ['{agent="a", team="t"}', 8],
      ['{agent="b"}', 2],
    ],
  ],
  [
    'spend',
    'Tool',
    [
      ['{tool="x"}', 7],
      ['{tool="y"}', 3],
    ],
  ],
  ['limits', 'Halted agents', [['{}', 2]]],
  ['limits', 'Windows at 80% and more', [['{}', 1]]],
  ['limits', 'Denials today', [['{}', 30]]],
  ['limits', 'Blocking saved today', [['{}', 7]]],
  ['limits', 'Would have been denied', [['{}', 10]]],
  ['limits', 'Denials', [['{agent="a", rule="budget"}', 10]]],
];

test('panels add up gates, and take what two keepers tell once', { skip: NO_PROMETHEUS }, () => {
  const text = stringify({
    evaluation_interval: '1m',
    tests: [
      {
        interval: '5s',
        input_series: Object.entries(SERIES).map(([series, values]) => ({ series, values })),
        promql_expr_test: SHOWN.map(([board, panel, samples]) => ({
          expr: filledIn(firstQuery(board, panel)),
          eval_time: '1m',
          exp_samples: samples.map(([labels, value]) => ({ labels, value })),
        })),
      },
    ],
  });
  promtool('test', 'rules', writeScratch(folder, text, 'panels.yaml'));
});

function firstQuery(uid: string, title: string): string {
  const board = BOARDS.find((one) => one.uid === `tollgate-${uid}`);
  assert.ok(board, uid);
  const [target] = panelsOf(board).find((panel) => panel.title === title)?.targets ?? [];
  assert.ok(target, title);
  return String(target['expr']);
}
