import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Entry } from '../../src/model/entry.js';
import { postingOf } from '../../src/model/spend.js';
import { type By, parseBy, parseFilters } from '../../src/report/by.js';
import { type Period, parsePeriod, periodBefore } from '../../src/report/period.js';
import { reportOn } from '../../src/report/report.js';
import { reportCsv, reportJson } from '../../src/report/report-json.js';
import { reportText } from '../../src/report/report-text.js';
import { PLAIN } from '../../src/report/style.js';
import { entriesOf, factsFor } from '../support/ledger.js';
import { seeded } from '../support/seed.js';
import { settledAt } from '../support/settled.js';
import { spendOf } from '../support/spend.js';

const ZONE = 'Europe/Berlin';
/** On the hour, so that all is what the entries add up to. */
const NOW_MS = Date.parse('2026-11-12T14:00Z');

function periodFor(
  options: Parameters<typeof parsePeriod>[0],
  zone = ZONE,
  nowMs = NOW_MS,
): Period {
  const period = parsePeriod(options, zone, nowMs);
  assert.ok(!('problem' in period));
  return period;
}

describe('a report', () => {
  const { seed, ...random } = seeded();
  const start = Date.parse('2026-10-01T03:00Z');
  const entries = entriesOf({ seed, ...random }, 20_000, start).filter(({ atMs }) => atMs < NOW_MS);
  const spend = spendOf(entries, ZONE, ['customer']);

  /** What entries of a time add up to, by what they have. */
  function plain(fromMs: number, untilMs: number, by: readonly By[]): Map<string, bigint> {
    const sums = new Map<string, bigint>();
    for (const entry of entries) {
      const posting = postingOf(entry, ['customer']);
      if (!posting || entry.atMs < fromMs || entry.atMs >= untilMs) continue;
      const { attributes, sums: more } = posting;
      const key = by
        .map((one) =>
          one.startsWith('labels.')
            ? (attributes.labels[one.slice(7)] ?? '')
            : attributes[one as 'agent'],
        )
        .join('|');
      sums.set(key, (sums.get(key) ?? 0n) + more.costNano);
    }
    return sums;
  }

  for (const by of [['agent'], ['team', 'model'], ['labels.customer', 'tool']] as By[][]) {
    for (const options of [{}, { month: '2026-10' }, { last: '2w' }, { day: '2026-10-25' }]) {
      test(`by ${by} of ${JSON.stringify(options)} is what the entries add up to`, async () => {
        const period = periodFor(options);
        const query = { by, period, only: undefined, filters: [], timezone: ZONE, nowMs: NOW_MS };
        const report = await reportOn(spend, query);
        const before = periodBefore(period, ZONE, NOW_MS);
        const now = plain(period.fromMs, period.untilMs, by);
        const then = plain(before.fromMs, before.untilMs, by);
        let last: bigint | undefined;
        for (const { values, sums, before: earlier } of report.rows) {
          const key = values.join('|');
          assert.equal(sums.costNano, now.get(key) ?? 0n, `seed ${seed}: ${key}`);
          assert.equal(earlier.costNano, then.get(key) ?? 0n, `seed ${seed}: ${key} before`);
          assert.ok(last === undefined || sums.costNano <= last, 'the most first');
          last = sums.costNano;
        }
        assert.equal(report.rows.length, new Set([...now.keys(), ...then.keys()]).size);
        const total = [...now.values()].reduce((sum, nano) => sum + nano, 0n);
        assert.equal(report.total.costNano, total);
      });
    }
  }
});

const SPENT: readonly [string, string, number, string][] = [
  ['2026-11-02T10:00Z', 'support', 812_000_000_000, 'gpt-4o'],
  ['2026-11-11T23:30Z', 'search', 40_000_000_000, 'gpt-5'],
  ['2026-11-12T13:00Z', 'new-one', 1_500_000_000, ''],
  ['2026-10-01T10:00Z', 'support', 198_000_000_000, 'gpt-4o'],
  // Of its hour, half: the period has come to half past.
  ['2026-10-12T14:59Z', 'search', 100_000_000_000, 'gpt-5'],
  // Later on that day than the period has come to.
  ['2026-10-12T15:00Z', 'search', 999_000_000_000, 'gpt-5'],
];

const ENTRIES: Entry[] = SPENT.map(([at, agent, nano, model]) => {
  const entry = settledAt(Date.parse(at), agent, nano);
  return { ...entry, facts: factsFor(at, { agent, model, team: 'team,"1"' }) };
}).sort((a, b) => a.atMs - b.atMs);

const HALF_PAST_MS = NOW_MS + 1_800_000;

async function report(by: readonly By[], only?: Parameters<typeof parseFilters>[0]) {
  const filter = parseFilters(only ?? []);
  assert.ok(filter === undefined || !('problem' in filter));
  const period = periodFor({}, 'UTC', HALF_PAST_MS);
  const timezone = 'UTC';
  const query = { by, period, only: filter, filters: [], timezone, nowMs: HALF_PAST_MS };
  return reportOn(spendOf(ENTRIES), query);
}

test('for people it is a table, the period before beside it, and how it is known', async () => {
  const text = reportText(await report(['agent']), 10, PLAIN);
  assert.equal(
    text,
    `Spend of 1 to 12 November 2026, so far (against 1 to 12 October 2026 until 14:30)

agent      spend                     share   before  change  calls
support  $812.00  ████████████████   95.1%  $198.00   +310%      1
search    $40.00  ▊                   4.7%   $50.00    -20%      1
new-one    $1.50  ▏                   0.2%    $0.00  from 0      1
total    $853.50                    100.0%  $248.00   +244%      3

How it is known: 100.0% settled, 0.0% unsettled, 0.0% assumed price, $0.00 unauthorized; price table of 2026-09-23`,
  );
  const two = reportText(await report(['agent']), 1, PLAIN);
  assert.match(two, /^2 others +\$41\.50 /m);
});

test('of a period before that is known in part no change is told', async () => {
  const query = {
    by: ['agent'] as const,
    period: periodFor({}, 'UTC'),
    only: undefined,
    filters: [],
  };
  const known = [settledAt(Date.parse('2026-10-04T10:00Z'), 'search', 9e9), ...ENTRIES.slice(1)];
  const found = await reportOn(spendOf(known), { ...query, timezone: 'UTC', nowMs: NOW_MS });
  const text = reportText(found, 10, PLAIN);
  assert.match(text, /^search +\$40\.00 .* \$9\.00 +1$/m);
  assert.match(text, /spend is known from 4 October 2026 on, so the period before \(.*\) is not/);
});

test('a filter is a glob, and none is where there is nothing', async () => {
  const rows = async (...only: [By, string][]) =>
    (await report(['agent'], only)).rows.map(({ values }) => values[0]);
  assert.deepEqual(await rows(['agent', 's*']), ['support', 'search']);
  assert.deepEqual(await rows(['agent', 's*'], ['model', 'gpt-5']), ['search']);
  assert.deepEqual(await rows(['model', 'none']), ['new-one']);
});

test('CSV and JSON have every digit', async () => {
  const found = await report(['agent', 'team']);
  const [head, first] = reportCsv(found, 1).split('\r\n');
  assert.match(head ?? '', /^agent,team,costUsd,calls,.*,beforeUsd$/);
  assert.match(first ?? '', /^support,"team,""1""",812,1,.*,198$/);
  const json = JSON.parse(JSON.stringify(reportJson(found, 10)));
  assert.deepEqual(
    [json.total.costUsd, json.total.beforeUsd, json.rows.length, json.rows[1].agent],
    ['853.5', '248', 3, 'search'],
  );
});

test('a name that a spreadsheet would run is none there', async () => {
  const entries = [settledAt(Date.parse('2026-11-02T10:00Z'), '=cmd|calc', 5)];
  const period = periodFor({}, 'UTC');
  const query = { period, only: undefined, filters: [], timezone: 'UTC', nowMs: NOW_MS };
  const csv = reportCsv(await reportOn(spendOf(entries), { ...query, by: ['agent'] }), 10);
  assert.match(csv, /^'=cmd\|calc,0\.000000005,/m);
});

test('without any history it says so', async () => {
  const period = periodFor({}, 'UTC');
  const query = { period, only: undefined, filters: [], timezone: 'UTC', nowMs: NOW_MS };
  const text = reportText(await reportOn(spendOf([]), { ...query, by: ['agent'] }), 10, PLAIN);
  assert.match(text, /no call, neither then nor in the period before/);
  assert.match(text, /nothing was spent; price table of/);
  assert.match(text, /Note: nothing has been recorded yet/);
});

test('what spend is not summed by is said, with what there is', () => {
  assert.deepEqual(parseBy('team, cost-centre,labels.customer', ['customer']), [
    'team',
    'costCentre',
    'labels.customer',
  ]);
  const problem = (by: string) => {
    const parsed = parseBy(by, ['customer']);
    return 'problem' in parsed ? parsed.problem : '';
  };
  assert.match(problem('run'), /"run" is nothing that spend is summed by; there is agent, /);
  assert.match(problem('labels.region'), /\(only by: customer\); name it under ledger\.labels/);
});
