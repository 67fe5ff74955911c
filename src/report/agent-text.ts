import type { AgentAnswer } from './agent.js';
import { agentSentences } from './agent-sentences.js';
import { formatDay, formatTime, formatWeekday } from './dates.js';
import type { Expectation } from './expected.js';
import {
  change,
  changeUsd,
  count,
  counted,
  decimalsFor,
  larger,
  ratioOf,
  roundUsd,
  times,
  usd,
} from './figures.js';
import { happenedLines } from './happened.js';
import { kindLines } from './kind-table.js';
import { howKnown } from './known.js';
import { type LimitText, limitText, metricOf, sameText } from './limits.js';
import { heading, note, paragraph } from './paragraph.js';
import type { Style } from './style.js';
import { bar, table } from './table.js';

/** The answer about one agent for a person. */
export function agentText(answer: AgentAnswer, style: Style): string {
  const { query, period, sums, expected } = answer;
  const sections = [
    heading(`${query.agent}, ${period.name}`, '', style),
    sums.calls === 0 && sums.denied === 0 && !expected ? [] : figureLines(answer, style),
    dayLines(answer, style),
    kindLines('tool', answer, style),
    kindLines('model', answer, style),
    limitLines(answer, style),
    eventLines(answer, style),
    paragraph(agentSentences(answer).join(' '), style),
    [`How it is known: ${howKnown(sums)}`, ...answer.notes.map((text) => `Note: ${text}`)].flatMap(
      (text) => note(text, style),
    ),
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

function figureLines(answer: AgentAnswer, style: Style): string[] {
  const { sums, expected, unusual, cause, query } = answer;
  const rows = [['actual', roundUsd(sums.costNano), counted(sums.calls, 'call')]];
  if (expected) {
    rows.push(['expected', roundUsd(expected.nano), basisText(answer, expected)]);
    const impact = sums.costNano - expected.nano;
    const ratio = expected.ratio === undefined ? '' : `${times(expected.ratio)}, `;
    rows.push([
      'impact',
      changeUsd(impact),
      `${ratio}${change(sums.costNano, expected.nano) || 'none'}${unusual?.unusual ? `, unusual (${zText(unusual.z)})` : ''}`,
    ]);
  }
  if (unusual?.firstHourMs !== undefined) {
    rows.push([
      'since',
      formatTime(unusual.firstHourMs, query.timezone),
      'the first hour of deviation',
    ]);
  }
  if (sums.denied > 0) {
    rows.push([
      'denied',
      count(sums.denied),
      `calls, estimated at ${roundUsd(sums.deniedNano)}; no part of the spend`,
    ]);
  }
  const lines = table(
    [{ title: '' }, { title: '', right: true, paint: style.bold }, { title: '', cut: true }],
    rows,
    style,
  ).slice(1);
  if (cause && expected?.ratio !== undefined) {
    const { ratio } = cause;
    const priced = sums.tokensIn + sums.tokensOut > 0;
    const parts = priced
      ? `calls ${times(ratio.calls)} x tokens per call ${times(ratio.tokensPerCall)} x price per token ${times(ratio.pricePerToken)}`
      : `calls ${times(ratio.calls)} x price per call ${times(ratio.pricePerToken)}`;
    lines.push(`cost ${times(ratio.cost)} = ${parts}`);
  }
  return lines;
}

function zText(z: number): string {
  return z >= 100 ? 'over 100 deviations above' : `${z.toFixed(1)} deviations above`;
}

/** What the expectation rests on. */
function basisText({ query, period, before, unusual }: AgentAnswer, expected: Expectation): string {
  if (expected.basis === 'before') {
    return expected.whole ? `as in ${before.name}` : `by the weekdays known of ${before.name}`;
  }
  const until = period.soFar ? ` until ${formatTime(period.untilMs, query.timezone)}` : '';
  if (unusual && unusual.weeks < 3) return `the median of ${unusual.days} days${until}`;
  const weekday = formatWeekday(period.fromMs, query.timezone).slice(0, 3);
  return `the median of ${unusual?.weeks ?? 0} weeks for a ${weekday}${until}`;
}

function dayLines({ days, query }: AgentAnswer, style: Style): string[] {
  // A quarter and more: its days are not read one by one.
  if (days.length < 2 || days.length > 92) return [];
  const most = days.reduce((max, { sums }) => larger(max, sums.costNano), 0n);
  const decimals = decimalsFor(most);
  const rows = days.map(({ startMs, sums, unusual }) => [
    formatWeekday(startMs, query.timezone),
    usd(sums.costNano, decimals),
    bar(ratioOf(sums.costNano, most) ?? 0),
    unusual?.unusual ? `unusual: ${times(unusual.ratio)} of ${roundUsd(unusual.expectedNano)}` : '',
    sums.denied > 0 ? `${count(sums.denied)} denied` : '',
  ]);
  return table(
    [
      { title: 'day' },
      { title: 'spend', right: true },
      { title: '', drop: 1 },
      { title: '', cut: true, paint: style.red },
      { title: '' },
    ],
    rows,
    style,
  );
}

function limitLines({ limits, query, period }: AgentAnswer, style: Style): string[] {
  const { timezone } = query;
  const { rules, thenKnown, nowKnown, policyThen, policyNow, knownSinceMs } = limits;
  const lacksText =
    (policyThen !== undefined && !thenKnown) || (policyNow !== undefined && !nowKnown);
  const lacking = style.dim(
    'the text of a policy that was in force is not known: it was too large, of a newer version, or imported without it',
  );
  if (rules.length === 0) return lacksText ? [lacking] : [];
  const told = (known: boolean, limit: LimitText | undefined) =>
    known ? limitText(limit) : 'not known';
  const rows = rules.map(({ rule, was, now, changes }) => {
    const last = changes.at(-1);
    const times = changes.length > 1 ? ` (${counted(changes.length, 'change')})` : '';
    return [
      rule,
      told(thenKnown, was),
      thenKnown && nowKnown && sameText(was, now) ? 'the same' : told(nowKnown, now),
      last ? `${formatDay(last.atMs, timezone)}${times}` : '',
    ];
  });
  const then = period.days.length === 1 ? 'limit that day' : 'limit then';
  const lines = table(
    [
      { title: 'rule', cut: true },
      { title: then, cut: true },
      { title: 'now', cut: true },
      { title: 'changed' },
    ],
    rows,
    style,
  );
  if (knownSinceMs === undefined) {
    lines.push(style.dim('the ledger knows of no policy; now is what the policy file says'));
  } else if (policyThen === undefined) {
    const since = formatDay(knownSinceMs, timezone);
    lines.push(style.dim(`the policies in force are known from ${since} on`));
  } else if (lacksText) {
    lines.push(lacking);
  }
  return lines;
}

function eventLines({ happened, noted, limits, query }: AgentAnswer, style: Style): string[] {
  const told = happenedLines(happened, (rule) => metricOf(limits, rule), query.timezone);
  const notes = noted.map(({ fromMs, text, by }) => ({
    atMs: fromMs,
    when: `${formatDay(fromMs, query.timezone)}, ${formatTime(fromMs, query.timezone)}`,
    what: `noted by ${by}: ${text}`,
  }));
  const lines = [...told, ...notes].sort((a, b) => a.atMs - b.atMs);
  if (lines.length === 0) return [];
  return table(
    [{ title: 'when' }, { title: 'what happened', cut: true }],
    lines.map(({ when, what }) => [when, what]),
    style,
  );
}
