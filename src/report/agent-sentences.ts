import type { AgentAnswer } from './agent.js';
import type { CauseName } from './cause-detail.js';
import { formatDay, formatTime } from './dates.js';
import { changeUsd, counted, listed, ratioOf, roundPercent, roundUsd, times } from './figures.js';
import { sumBy, sumTop } from './gather.js';
import { type LimitText, limitText, sameText } from './limits.js';

/** A change below this is what every week has, and no person asks why. */
const WORTH_A_CAUSE = 0.1;

/** The answer in a few plain sentences, to be pasted into a mail. */
export function agentSentences(answer: AgentAnswer): string[] {
  return [
    spentSentence(answer),
    whereSentence(answer),
    deniedSentence(answer),
    limitSentence(answer),
  ].filter((sentence) => sentence !== '');
}

function spentSentence(answer: AgentAnswer): string {
  const { query, period, sums, expected, unusual } = answer;
  const team = teamOf(answer);
  const who = `Agent ${query.agent}${team === '' ? '' : ` of ${team}`}`;
  const when = period.days.length === 1 ? `on ${dayName(answer)}` : `from ${period.name}`;
  const actual = roundUsd(sums.costNano);
  if (sums.costNano === 0n && (!expected || expected.nano === 0n))
    return `${who} spent nothing ${when}.`;
  if (!expected) return `${who} spent ${actual} ${when}; there is nothing to compare that with.`;
  const impact = sums.costNano - expected.nano;
  const share = ratioOf(impact, expected.nano);
  const figures = `${actual} instead of ${roundUsd(expected.nano)}, ${changeUsd(impact)}${share === undefined ? '' : `, ${share > 0 ? '+' : ''}${Math.round(share * 100)}%`}`;
  const since =
    unusual?.firstHourMs === undefined
      ? ''
      : `, from ${formatTime(unusual.firstHourMs, query.timezone)} on`;
  const because = becauseOf(answer);
  if (unusual?.unusual) {
    const multiple =
      expected.ratio === undefined ? actual : `${times(expected.ratio)} its normal volume`;
    return `${who} spent ${multiple} ${when} (${figures})${since}${because}.`;
  }
  if (expected.basis === 'days') {
    const normal =
      share !== undefined && Math.abs(share) < WORTH_A_CAUSE
        ? 'about what is normal'
        : 'not unusual';
    return `${who} spent ${actual} ${when}, ${normal} (${figures})${because}.`;
  }
  if (expected.nano === 0n)
    return `${who} spent ${actual} ${when}, and nothing in the time before.`;
  const compared = `${times(expected.ratio ?? 1)} what it had in the time before`;
  return `${who} spent ${compared} ${when} (${figures})${because}.`;
}

/** `, because of 4.0x the calls, mostly of search ("spring campaign", noted by ann)` */
function becauseOf({ cause, expected, sums, noted, query }: AgentAnswer): string {
  const notes = noted
    .filter(({ agent }) => agent === '' || agent === query.agent)
    .map(({ text, by }) => `"${text}", noted by ${by}`);
  const noted1 = notes.length > 0 ? ` (${listed(notes.slice(0, 2))})` : '';
  const share = expected ? ratioOf(sums.costNano - expected.nano, expected.nano) : undefined;
  if (!cause || share === undefined || Math.abs(share) < WORTH_A_CAUSE) {
    return noted1 === '' ? '' : `; it is noted${noted1}`;
  }
  return `, because ${causeWord(cause.cause, cause.detail)}${noted1}`;
}

/** A clause after "because". */
export function causeWord(cause: CauseName, detail: string): string {
  // Details of volume and tokens begin with a figure ("4.0x the calls"), those of prices are clauses.
  const noun = /^[\d.,]+x the |^calls of |^no calls of /.test(detail);
  return noun || cause === 'volume' ? `of ${detail}`.replace(/^of (it made)/, '$1') : detail;
}

/** "78% went to openai_completion on gpt-4o." */
function whereSentence({ gathered, sums }: AgentAnswer): string {
  if (sums.costNano <= 0n) return '';
  const [top] = sumTop(
    sumBy(gathered, ({ tool, model }) => [tool, model].filter((name) => name !== '').join(' on ')),
  );
  if (!top || top[0] === '') return '';
  const share = ratioOf(top[1].costNano, sums.costNano) ?? 0;
  return share >= 0.995
    ? `All of it went to ${top[0]}.`
    : `${roundPercent(share)} of it went to ${top[0]}.`;
}

function deniedSentence({ sums, happened, query }: AgentAnswer): string {
  const halts = happened.filter((event) => event.kind === 'halted');
  const first = halts[0];
  const halted =
    first?.kind === 'halted'
      ? `it was halted by ${first.rule ? `rule ${first.rule}` : first.by} at ${formatTime(first.atMs, query.timezone)} on ${formatDay(first.atMs, query.timezone)}`
      : '';
  const denied =
    sums.denied > 0
      ? `${counted(sums.denied, 'call')} ${sums.denied === 1 ? 'was' : 'were'} denied, estimated at ${roundUsd(sums.deniedNano)}`
      : '';
  if (denied === '' && halted === '') return '';
  const both = [denied, halted].filter((part) => part !== '').join('; ');
  return `${both[0]?.toUpperCase()}${both.slice(1)}.`;
}

function limitSentence({ limits, query }: AgentAnswer): string {
  const main = limits.rules[0];
  if (!main) return '';
  const { was: then, now, changes } = main;
  if (limits.policyThen === undefined) {
    return now ? `Its limit is now ${limitText(now)}; what it was then is not known.` : '';
  }
  const last = changes.at(-1);
  if (!last) return `Its limit was and is ${limitText(now)}.`;
  const since = `since ${formatDay(last.atMs, query.timezone)}`;
  const was = then
    ? `Its limit was then ${limitText(then)}`
    : `It had no limit under ${main.rule} then`;
  if (!now) return `${was}; it has had none ${since}.`;
  if (sameText(then, now)) return `${was}, and it is so again ${since}.`;
  return `${was}; it has been ${shortText(then, now)} ${since}.`;
}

/** Only the amount, where the rest is as it was. */
function shortText(then: LimitText | undefined, now: LimitText): string {
  return then?.rest === now.rest ? now.amount : limitText(now);
}

/** The team of most of its spend. */
function teamOf({ gathered, expected }: AgentAnswer): string {
  const source = gathered.size > 0 ? gathered : (expected?.usual ?? gathered);
  return sumTop(sumBy(source, ({ team }) => team))[0]?.[0] ?? '';
}

function dayName({ period, query }: AgentAnswer): string {
  const day = formatDay(period.fromMs, query.timezone);
  return period.soFar ? `${day} until ${formatTime(period.untilMs, query.timezone)}` : day;
}
