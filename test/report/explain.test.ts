import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { eightWeeks } from '../../src/demo/eight-weeks.js';
import { historyOf } from '../../src/demo/history.js';
import type { Entry } from '../../src/model/entry.js';
import { postingOf } from '../../src/model/spend.js';
import { explainAgent } from '../../src/report/agent.js';
import { agentSentences } from '../../src/report/agent-sentences.js';
import { agentText } from '../../src/report/agent-text.js';
import { agentJson, billJson } from '../../src/report/answer-json.js';
import { explainBill } from '../../src/report/bill.js';
import { billSentences } from '../../src/report/bill-sentences.js';
import { billText } from '../../src/report/bill-text.js';
import { parseBy } from '../../src/report/by.js';
import { type PeriodOptions, parsePeriod } from '../../src/report/period.js';
import { reportOn } from '../../src/report/report.js';
import { reportText } from '../../src/report/report-text.js';
import { PLAIN } from '../../src/report/style.js';
import { widthOf } from '../../src/report/table.js';
import type { Spend } from '../../src/store/spend.js';
import { dailyUntil, settledAt } from '../support/settled.js';
import { spendOf } from '../support/spend.js';

const NOW_MS = Date.parse('2026-11-02T09:10Z');
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

describe('eight weeks of a fleet', () => {
  const plan = eightWeeks(NOW_MS);
  const { timezone } = plan;
  const policies = new Map(
    plan.policies.map(({ policy: { hash }, text }) => [hash, { hash, text }]),
  );
  const policy = plan.policies.at(-1)?.policy;
  let entries: Entry[];
  let spend: Spend;
  before(() => {
    entries = [...historyOf(7, plan)];
    spend = spendOf(entries, timezone, [], policies);
  });

  const periodFor = (options: PeriodOptions) => {
    const period = parsePeriod(options, timezone, NOW_MS);
    assert.ok(!('problem' in period));
    return period;
  };
  const about = (agent: string, options?: PeriodOptions) => {
    const period = options && periodFor(options);
    return explainAgent(spend, { agent, period, timezone, nowMs: NOW_MS, policy });
  };
  const plain = (keep: (entry: Entry) => boolean) =>
    entries.filter(keep).reduce((sum, entry) => sum + (postingOf(entry)?.sums.costNano ?? 0n), 0n);
  const of = (agent: string) => (entry: Entry) => 'facts' in entry && entry.facts.agent === agent;

  test('the promotion day: unusual yesterday is what is told, with its cause and its note', async () => {
    const answer = await about('customer-support-v2');
    const { period, sums } = answer;
    assert.equal(period.name, '1 November 2026');
    const spent = plain(
      (entry) =>
        of('customer-support-v2')(entry) && entry.atMs >= period.fromMs && entry.atMs < period.toMs,
    );
    assert.equal(sums.costNano, spent);
    assert.equal(answer.cause?.cause, 'volume');
    const sentences = agentSentences(answer).join(' ');
    assert.match(
      sentences,
      /^Agent customer-support-v2 of customer-ops spent [34]\.\dx its normal volume on 1 November 2026 \(\$\d+\.\d\d instead of \$\d+\.\d\d, \+\$[\d.]+, \+\d+%\), from \d\d:\d\d on, because of \d\.\dx the calls.* \("promotion day: 20% off", noted by ann\)\. /,
    );
    assert.match(sentences, /\. \d\d% of it went to openai_completion on gpt-4o\. /);
    assert.match(
      sentences,
      /Its limit was and is \$60 a calendar day for each agent \(and \$40\.00 more for a time, granted by ann\)\.$/,
    );
    const text = agentText(answer, PLAIN);
    assert.match(text, /^actual +\$\d+\.\d\d +[\d,]+ calls$/m);
    assert.match(text, /^impact +\+\$[\d.]+ +\d\.\dx, \+\d+%, unusual \(/m);
    assert.match(
      text,
      /^cost \d\.\dx = calls \d\.\dx x tokens per call 1\.\dx x price per token \d\.\dx$/m,
    );
    assert.match(text, /How it is known: .*; price table of 2026-09-23$/);
  });

  test('a day before a limit was raised: the limit then and now, and since when', async () => {
    const sentences = agentSentences(await about('customer-support-v2', { day: '2026-10-10' }));
    assert.equal(
      sentences.at(-1),
      'Its limit was then $40 a calendar day for each agent; it has been $60 since 15 October 2026.',
    );
  });

  test('limits of policies whose text nobody knows are said to be unknown, not left out', async () => {
    const textless = { ...spend, policies: async () => new Map() };
    const whose = { agent: 'code-reviewer', policy: undefined };
    const query = { ...whose, period: undefined, timezone, nowMs: NOW_MS };
    const answer = await explainAgent(textless, query);
    assert.match(
      agentText(answer, PLAIN),
      /^the text of a policy that was in force is not known: /m,
    );
  });

  test('a policy that this version cannot read: what the limit is now is not known, and is not told as the same', async () => {
    const last = plan.policies.at(-1);
    assert.ok(last && policy);
    const agent = 'customer-support-v2';
    const newer = { hash: 'newer', text: `${last.text}\nnewKey: 1\n` };
    const told: Entry = {
      ...{ kind: 'policy', id: `${NOW_MS - HOUR_MS}-0`, atMs: NOW_MS - HOUR_MS, hash: 'newer' },
      ...{ from: 'f', by: 'b' },
    };
    const known = new Map([...policies, ['newer', newer] as const]);
    const withNewer = spendOf([...entries, told], timezone, [], known);
    const period = periodFor({ day: '2026-11-01' });
    const answer = await explainAgent(withNewer, {
      ...{ agent, period, timezone, nowMs: NOW_MS, policy },
    });
    assert.match(
      agentSentences(answer).join(' '),
      /Its limit was then \$60 a calendar day.*; what it is now is not known\.$/,
    );
    assert.match(agentText(answer, PLAIN), /too large, of a newer version, or imported/);
  });

  test('the model switch is named as the price', async () => {
    const answer = await about('contract-reader', { last: '7d' });
    assert.equal(answer.cause?.cause, 'price');
    assert.match(
      agentSentences(answer).join(' '),
      /, because \d\d% of its calls went to gpt-5\.2, which costs [\d.]+x as much per token; none did before\. Unusual were /,
    );
  });

  test('the runaway loop: denials, the halt, and the day', async () => {
    const answer = await about('invoice-matcher', { last: '2w' });
    const sentences = agentSentences(answer).join(' ');
    assert.match(sentences, /Unusual was 30 October 2026 \(\$\d+\.\d\d instead of \$\d\.\d\d\)\./);
    assert.match(
      sentences,
      /[\d,]+ calls were denied, estimated at \$\d+; it was halted by ben on 30 October 2026, /,
    );
    const denied = entries.filter(
      (entry) => entry.kind === 'denied' && entry.facts.agent === 'invoice-matcher',
    );
    assert.equal(
      answer.sums.denied,
      denied.reduce((sum, entry) => sum + (entry.kind === 'denied' ? entry.calls : 0), 0),
    );
    assert.match(agentText(answer, PLAIN), /ben resumed it$/m);
  });

  test('nothing unusual: the last seven days, beside the seven before', async () => {
    const answer = await about('code-reviewer');
    assert.equal(answer.period.name, '27 October to 2 November 2026, so far');
    assert.match(agentSentences(answer)[0] ?? '', /the \$[\d.]+ in as many days before \(/);
    assert.equal(answer.days.length, 7);
  });

  test('the bill: each agent in it adds up to the change, and growth is named', async () => {
    const period = periodFor({ month: '2026-10' });
    const answer = await explainBill(spend, { period, timezone, nowMs: NOW_MS });
    const change = answer.agents.reduce((sum, { changeNano }) => sum + changeNano, 0n);
    assert.equal(change, answer.total.costNano - answer.totalStandIn.costNano);
    assert.equal(
      answer.total.costNano,
      plain(({ atMs }) => atMs >= period.fromMs && atMs < period.toMs),
    );
    const shares = answer.agents.reduce((sum, { share = 0 }) => sum + share, 0);
    assert.ok(Math.abs(shares - 1) < 1e-9);
    const sentences = billSentences(answer).join(' ');
    assert.match(
      sentences,
      /^The bill of October 2026 is \$[\d,.]+, a day \d+% more than that of the known days of September 2026 \(/,
    );
    assert.match(
      sentences,
      /lead-researcher of growth-marketing has grown steadily by about (8|9|1[0-6])% a week over the last \d weeks, from /,
    );
    assert.match(billText(answer, 3, PLAIN), /^total /m);
    assert.ok(JSON.stringify(billJson(answer, 3)).includes('"sentences":['));
  });

  test('on a terminal of 80 columns no line is longer, and the bill says why', async () => {
    const style = { ...PLAIN, columns: 80 };
    const period = periodFor({});
    const query = { period, timezone, nowMs: NOW_MS };
    const by = parseBy('agent,model,tool', []);
    assert.ok(!('problem' in by));
    const bill = billText(
      await explainBill(spend, { ...query, period: periodFor({ last: '2w' }) }),
      10,
      style,
    );
    const texts = [
      bill,
      agentText(await about('customer-support-v2'), style),
      agentText(await about('invoice-matcher', { last: '2w' }), style),
      reportText(await reportOn(spend, { ...query, by, only: undefined, filters: [] }), 10, style),
    ];
    for (const line of texts.join('\n').split('\n')) assert.ok(widthOf(line) <= 80, line);
    assert.match(bill, /^agent .* because$/m);
    assert.match(bill, /^contract-reader .* \d\d% of its calls went to/m);
  });

  test('the answer for programs has exact money, the limits, and no infinity', async () => {
    const json = JSON.parse(JSON.stringify(agentJson(await about('customer-support-v2'))));
    assert.match(json.costUsd, /^\d+(\.\d{1,9})?$/);
    assert.equal(json.unusual.unusual, true);
    assert.deepEqual(json.limits[0].now, { amount: '$60', rest: 'a calendar day for each agent' });
    assert.equal(json.sentences.length, 3);
  });
});

function explain(entries: Entry[], agent: string, options?: PeriodOptions) {
  const period = options && parsePeriod(options, 'UTC', NOW_MS);
  assert.ok(!period || !('problem' in period));
  const sorted = entries.toSorted((a, b) => a.atMs - b.atMs);
  return explainAgent(spendOf(sorted), {
    agent,
    period,
    timezone: 'UTC',
    nowMs: NOW_MS,
    policy: undefined,
  });
}

test('under three days of history nothing is called normal, under three weeks all days are', async () => {
  const young = await explain(dailyUntil(NOW_MS, 'a', [5, 5, 50]), 'a', { day: 'yesterday' });
  assert.equal(young.unusual, undefined);
  assert.match(young.notes.join(), /under three days of history, so nothing can be said/);
  assert.match(
    agentSentences(young)[0] ?? '',
    /spent \$50\.00 on 1 November 2026; there is nothing to compare/,
  );
  const weeks = await explain(dailyUntil(NOW_MS, 'a', [5, 5, 5, 5, 5, 5, 50]), 'a');
  assert.equal(weeks.unusual?.unusual, true);
  assert.match(
    weeks.notes.join(),
    /only 6 days of history, so what is expected is the median of all/,
  );
});

test('in an hour that goes on the cause is that of its part', async () => {
  // Six calls from 09:00 on in each of four weeks; at 09:10 four of them, where one is usual.
  const hour = (daysAgo: number, calls: number, everyMs: number) =>
    Array.from({ length: calls }, (_, i) =>
      settledAt(NOW_MS - 600_000 - daysAgo * DAY_MS + i * everyMs, 'a', 1e9),
    );
  const entries = [
    ...Array.from({ length: 28 }, (_, i) => hour(28 - i, 6, 600_000)).flat(),
    ...hour(0, 4, 60_000),
  ];
  const answer = await explain(entries, 'a', { day: 'today' });
  assert.equal(answer.expected?.nano, 1_000_000_000n);
  assert.equal(answer.cause?.ratio.cost, answer.expected?.ratio);
  assert.deepEqual([answer.cause?.ratio.calls, answer.cause?.detail], [4, '4.0x the calls']);
});

test('a part of the period before that is known stands for it by the day', async () => {
  // Known for eight of the ten days before: 4 a day, and then 8.
  const entries = dailyUntil(NOW_MS, 'a', [...new Array(8).fill(4), ...new Array(10).fill(8)]);
  const answer = await explain(entries, 'a', { from: '2026-10-23', to: '2026-11-01' });
  assert.equal(answer.sums.costNano, 80_000_000_000n);
  assert.deepEqual([answer.expected?.basis, answer.expected?.ratio], ['before', 2]);
  assert.match(
    agentSentences(answer)[0] ?? '',
    /, 2\.0x the \$40\.00 in as many days before, by the/,
  );
  assert.match(answer.notes.join(), /spend is known from 15 October 2026 on/);
  const week = await explain(entries.slice(2), 'a', { from: '2026-10-23', to: '2026-11-01' });
  assert.equal(week.expected, undefined);
  assert.match(week.notes.join(), /and under a week of it is nothing to compare with/);
});
