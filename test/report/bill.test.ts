import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainBill } from '../../src/report/bill.js';
import { billSentences } from '../../src/report/bill-sentences.js';
import { billText } from '../../src/report/bill-text.js';
import { mostlyOn } from '../../src/report/mostly-on.js';
import { type PeriodOptions, parsePeriod } from '../../src/report/period.js';
import { PLAIN } from '../../src/report/style.js';
import { dailyUntil } from '../support/settled.js';
import { spendOf } from '../support/spend.js';

const NOW_MS = Date.parse('2026-11-02T09:10Z');

test('a bill beside one that is known in part is compared by the day', async () => {
  const entries = ['a', 'b'].flatMap((agent) => dailyUntil(NOW_MS, agent, new Array(42).fill(7)));
  const period = parsePeriod({ month: '2026-10' }, 'UTC', NOW_MS);
  assert.ok(!('problem' in period));
  const sorted = entries.sort((a, b) => a.atMs - b.atMs);
  const answer = await explainBill(spendOf(sorted), { period, timezone: 'UTC', nowMs: NOW_MS });
  assert.match(
    billSentences(answer).join(' '),
    /^The bill of October 2026 is \$434, 3% more than that of September 2026, at as much a day as is known of it \(\$420, \+\$14\.00\)\./,
  );
  const [one] = answer.agents;
  assert.ok(Math.abs((one?.cause?.ratio.calls ?? 0) - 31 / 30) < 1e-9);
});

test('a bill of what spends the same each day has no change', async () => {
  const entries = dailyUntil(NOW_MS, 'a', new Array(14).fill(7));
  const period = parsePeriod({ from: '2026-10-26', to: '2026-11-01' }, 'UTC', NOW_MS);
  assert.ok(!('problem' in period));
  const answer = await explainBill(spendOf(entries), { period, timezone: 'UTC', nowMs: NOW_MS });
  const text = billText(answer, 10, PLAIN);
  assert.match(text, /^a +\$49\.00 +\$49\.00 +\$0\.00 +0\.0%$/m);
  assert.doesNotMatch(text, /undefined|NaN/);
});

test('an agent that rests at weekends is neither gone on Saturday nor new on Monday', async () => {
  // From Monday 21 September on, Monday to Friday; another every day.
  const five = Array.from({ length: 42 }, (_, at) => (at % 7 < 5 ? 10 : 0));
  const office = five.flatMap((usd, at) =>
    usd > 0 ? dailyUntil(NOW_MS, 'office', five.slice(at)).slice(0, 1) : [],
  );
  const entries = [...office, ...dailyUntil(NOW_MS, 'always', new Array(42).fill(10))];
  const sorted = entries.sort((a, b) => a.atMs - b.atMs);
  const bill = async (options: PeriodOptions) => {
    const period = parsePeriod(options, 'UTC', NOW_MS);
    assert.ok(!('problem' in period));
    const answer = await explainBill(spendOf(sorted), { period, timezone: 'UTC', nowMs: NOW_MS });
    return billText(answer, 10, PLAIN);
  };
  for (const day of ['2026-10-26', '2026-10-31']) {
    assert.doesNotMatch(await bill({ day }), /new|gone|nothing/, day);
  }
  const weekend = await bill({ from: '2026-10-31', to: '2026-11-01' });
  assert.match(weekend, /^office .* nothing then$/m);
  assert.doesNotMatch(weekend, /new|gone/);
});

test('the day on which most of an increase came is the largest, beside its own weekdays', () => {
  const at = (day: number) => Date.UTC(2026, 9, 5 + day);
  const daily = (spent: number[]) => new Map(spent.map((usd, i) => [at(i), BigInt(usd)]));
  const [before, days] = [0, 7].map((from) => Array.from({ length: 7 }, (_, i) => at(from + i)));
  assert.ok(before && days);
  const weekly = [50, 0, 0, 0, 0, 0, 0];
  const on = (spent: number[]) => mostlyOn(daily([...weekly, ...spent]), days, before);
  assert.equal(on([60, 40, 0, 45, 0, 0, 0]), undefined, 'no day made half');
  assert.equal(on([60, 30, 0, 90, 0, 0, 0]), at(10), 'not the first of the large ones');
  assert.equal(on([50, 0, 0, 0, 0, 0, 20]), at(13), 'a Monday as always is none');
});

test('new and gone agents of the bill are said, and a change of nothing is none', async () => {
  const entries = [
    ...dailyUntil(
      NOW_MS,
      'steady',
      Array.from({ length: 14 }, () => 100),
    ),
    ...dailyUntil(NOW_MS, 'gone', [50, 0, 0, 0, 0, 0, 0, 0, 0]).slice(0, 1),
    ...dailyUntil(NOW_MS, 'fresh', [0, 0, 50]).slice(-1),
  ].sort((a, b) => a.atMs - b.atMs);
  const period = parsePeriod({ from: '2026-10-26', to: '2026-11-01' }, 'UTC', NOW_MS);
  assert.ok(!('problem' in period));
  const answer = await explainBill(spendOf(entries), { period, timezone: 'UTC', nowMs: NOW_MS });
  const sentences = billSentences(answer).join(' ');
  assert.match(sentences, /about the same as that of 19 to 25 October 2026/);
  assert.match(
    sentences,
    /1 agent is new \(\$50\.00\) and 1 agent spent nothing any more \(\$50\.00 before\)\./,
  );
  const text = billText(answer, 10, PLAIN);
  assert.match(text, /^fresh .* new$/m);
  assert.match(text, /^gone .* gone$/m);
  const none = await explainBill(spendOf([]), { period, timezone: 'UTC', nowMs: NOW_MS });
  assert.match(
    billText(none, 10, PLAIN),
    /no call, neither then nor .*\n\n.*\nNote: nothing has been recorded yet/s,
  );
});
