import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainAgent } from '../../src/report/agent.js';
import { explainBill } from '../../src/report/bill.js';
import { billSentences } from '../../src/report/bill-sentences.js';
import { billText } from '../../src/report/bill-text.js';
import { parseBy } from '../../src/report/by.js';
import { mostlyOn } from '../../src/report/mostly-on.js';
import { type PeriodOptions, parsePeriod } from '../../src/report/period.js';
import { reportOn } from '../../src/report/report.js';
import { PLAIN } from '../../src/report/style.js';
import { dailyUntil, settledAt } from '../support/settled.js';
import { spendOf } from '../support/spend.js';

const NOW_MS = Date.parse('2026-11-02T09:10Z');
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

test('a bill beside one that is known in part is compared by the day', async () => {
  const entries = ['a', 'b'].flatMap((agent) => dailyUntil(NOW_MS, agent, new Array(42).fill(7)));
  const period = parsePeriod({ month: '2026-10' }, 'UTC', NOW_MS);
  assert.ok(!('problem' in period));
  const sorted = entries.sort((a, b) => a.atMs - b.atMs);
  const answer = await explainBill(spendOf(sorted), { period, timezone: 'UTC', nowMs: NOW_MS });
  assert.match(
    billSentences(answer).join(' '),
    /^The bill of October 2026 is \$434, a day about the same as that of the known days of September 2026 \(\$140, \$0\.00 a day\)\./,
  );
  const [one] = answer.agents;
  assert.equal(one?.cause?.ratio.calls, 1);
  assert.match(billText(answer, 10, PLAIN), /^total +\$434\.00 +\$140\.00 +\$0\.00 +0\.0%$/m);
});

test('of a period before that is known in part each weekday stands for itself, as today up to now', async () => {
  // Monday to Friday at ten dollars a day, in calls of one, at 08:00 and at 12:00; and as many at weekends.
  const dearer = Date.parse('2026-10-20T00:00Z');
  const of = (agent: string, fromMs: number, works: (weekday: number) => boolean) => {
    const entries = [];
    for (let ms = fromMs; ms < NOW_MS; ms += DAY_MS) {
      if (!works(new Date(ms).getUTCDay())) continue;
      for (const hour of [8, 12]) {
        const atMs = ms + hour * HOUR_MS;
        const nano = agent === 'dearer' && ms >= dearer ? 5.5e9 : 5e9;
        if (atMs < NOW_MS) entries.push(settledAt(atMs, agent, nano));
      }
    }
    return entries;
  };
  const office = (weekday: number) => weekday % 6 !== 0;
  for (const known of ['2026-09-24', '2026-09-28', '2026-10-01']) {
    const fromMs = Date.parse(known);
    const entries = [
      ...of('office', fromMs, office),
      ...of('dearer', fromMs, office),
      ...of('weekend', fromMs, (weekday) => !office(weekday)),
      ...of('always', fromMs, () => true),
    ].sort((a, b) => a.atMs - b.atMs);
    const spend = spendOf(entries);
    // From Saturday 10 October to Monday 2 November, 09:10; before it from 16 September on.
    const period = parsePeriod({ last: '24d' }, 'UTC', NOW_MS);
    assert.ok(!('problem' in period));
    const answer = await explainBill(spend, { period, timezone: 'UTC', nowMs: NOW_MS });
    assert.ok(answer.comparable && answer.part < 1);
    for (const { agent, changeNano, cause } of answer.agents) {
      if (agent === 'dearer') assert.equal(cause?.cause, 'price', known);
      else assert.equal(changeNano, 0n, `${agent} from ${known}`);
      assert.equal(cause?.ratio.calls, 1, `${agent} from ${known}`);
    }
    assert.match(billSentences(answer).join(' '), /dearer .* because a call of its tools costs/);
    const by = parseBy('agent', []);
    assert.ok(!('problem' in by));
    const query = { by, period, only: undefined, filters: [], timezone: 'UTC', nowMs: NOW_MS };
    const { totalBefore } = await reportOn(spend, query);
    assert.equal(answer.totalBefore.costNano, totalBefore.costNano, 'a report says the same');
    const asked = { agent: 'office', period, timezone: 'UTC', nowMs: NOW_MS, policy: undefined };
    assert.equal((await explainAgent(spend, asked)).expected?.ratio, 1);
  }
  const entries = of('office', Date.parse('2026-10-05'), office);
  const period = parsePeriod({ last: '24d' }, 'UTC', NOW_MS);
  assert.ok(!('problem' in period));
  const answer = await explainBill(spendOf(entries), { period, timezone: 'UTC', nowMs: NOW_MS });
  assert.equal(answer.comparable, false, 'under a week says nothing');
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
