import { formatMetric } from '../model/amounts.js';
import type { AgentAnswer } from './agent.js';
import { formatDay, formatMoment, formatTime } from './dates.js';
import type { Expectation } from './expected.js';
import {
  changeUsd,
  counted,
  listed,
  ratioOf,
  roundPercent,
  roundUsd,
  signedPercent,
  times,
} from './figures.js';
import { sumBy, sumTop } from './gather.js';
import { type LimitText, limitText, type RuleLimits, sameText } from './limits.js';

/** A change below this is what every week has, and no person asks why. */
const WORTH_A_CAUSE = 0.1;

/** Unusual days, and notes, that are told one by one. */
const MAX_TOLD = 3;

/** The answer in a few plain sentences, to be pasted into a mail. */
export function agentSentences(answer: AgentAnswer): string[] {
  return [
    spentSentence(answer),
    daySentence(answer),
    whereSentence(answer),
    deniedSentence(answer),
    limitSentence(answer),
  ].filter((sentence) => sentence !== '');
}

function spentSentence(answer: AgentAnswer): string {
  const { query, period, sums, expected, unusual } = answer;
  const team = teamOf(answer);
  const who = `Agent ${query.agent}${team === '' ? '' : ` of ${team}`}`;
  const when = whenText(answer);
  const actual = roundUsd(sums.costNano);
  if (sums.costNano === 0n) {
    const instead = expected && expected.nano > 0n ? `, instead of ${roundUsd(expected.nano)}` : '';
    return `${who} spent nothing ${when}${instead}.`;
  }
  if (!expected) return `${who} spent ${actual} ${when}; there is nothing to compare that with.`;
  const because = becauseOf(answer, expected);
  if (expected.basis === 'before') {
    return `${who} spent ${actual} ${when}, ${besideBefore(answer, expected)}${because}.`;
  }
  const impact = sums.costNano - expected.nano;
  const share = ratioOf(impact, expected.nano);
  const percent = share === undefined ? '' : `, ${signedPercent(share)}`;
  const figures = `${actual} instead of ${roundUsd(expected.nano)}, ${changeUsd(impact)}${percent}`;
  if (unusual?.unusual) {
    const multiple =
      expected.ratio === undefined
        ? 'what is unusual for it'
        : `${times(expected.ratio)} its normal volume`;
    const since =
      unusual.firstHourMs === undefined
        ? ''
        : `, from ${formatTime(unusual.firstHourMs, query.timezone)} on`;
    return `${who} spent ${multiple} ${when} (${figures})${since}${because}.`;
  }
  const normal =
    share !== undefined && Math.abs(share) < WORTH_A_CAUSE ? 'about what is normal' : 'not unusual';
  return `${who} spent ${actual} ${when}, ${normal}${period.soFar ? ' by then' : ''} (${figures})${because}.`;
}

/** "2.7x the $30.73 in as many days before (+$52.86, +172%)" */
function besideBefore({ period, before, sums }: AgentAnswer, expected: Expectation): string {
  const then = period.kind === 'month' ? `in ${before.name}` : 'in as many days before';
  const earlier = expected.whole ? then : `${then}, by the weekdays that are known of them`;
  if (expected.ratio === undefined) return `and nothing ${earlier}`;
  const impact = sums.costNano - expected.nano;
  const share = ratioOf(impact, expected.nano) ?? 0;
  const compared = Math.abs(share) < WORTH_A_CAUSE ? 'about as much as' : times(expected.ratio);
  return `${compared} the ${roundUsd(expected.nano)} ${earlier} (${changeUsd(impact)}, ${signedPercent(share)})`;
}

/** `, because of 4.0x the calls, mostly of search ("spring campaign", noted by ann)` */
function becauseOf({ cause, sums, noted }: AgentAnswer, expected: Expectation): string {
  const notes = noted.slice(0, MAX_TOLD).map(({ text, by }) => `"${text}", noted by ${by}`);
  const remark = notes.length > 0 ? ` (${listed(notes)})` : '';
  const share = ratioOf(sums.costNano - expected.nano, expected.nano);
  if (!cause || share === undefined || Math.abs(share) < WORTH_A_CAUSE) return remark;
  return `, because ${cause.clause}${remark}`;
}

/** "Unusual was 22 November 2026 ($59.99 instead of $2.10)." */
function daySentence({ days, query }: AgentAnswer): string {
  const unusual = days.filter((day) => day.unusual?.unusual);
  if (unusual.length === 0) return '';
  const told = unusual.slice(0, MAX_TOLD).map(({ startMs, sums, unusual: how }) => {
    const instead = `${roundUsd(sums.costNano)} instead of ${roundUsd(how?.expectedNano ?? 0n)}`;
    return `${formatDay(startMs, query.timezone)} (${instead})`;
  });
  const more = unusual.length - told.length;
  if (more > 0) told.push(counted(more, 'more day'));
  return `Unusual ${unusual.length === 1 ? 'was' : 'were'} ${listed(told)}.`;
}

/** "78% of it went to openai_completion on gpt-4o." */
function whereSentence({ gathered, sums }: AgentAnswer): string {
  if (sums.costNano <= 0n) return '';
  const kinds = sumBy(gathered, ({ tool, model }) =>
    [tool, model].filter((name) => name !== '').join(' on '),
  );
  const [top] = sumTop(kinds);
  if (!top || top[0] === '') return '';
  const share = ratioOf(top[1].costNano, sums.costNano) ?? 0;
  const part = share >= 0.995 ? 'All' : roundPercent(share);
  return `${part} of it went to ${top[0]}.`;
}

/** "41 calls were denied, estimated at $12.30; it was halted by rule loop at …" */
function deniedSentence({ sums, happened, query }: AgentAnswer): string {
  const parts: string[] = [];
  if (sums.denied > 0) {
    const were = sums.denied === 1 ? 'was' : 'were';
    const estimated = roundUsd(sums.deniedNano);
    parts.push(`${counted(sums.denied, 'call')} ${were} denied, estimated at ${estimated}`);
  }
  const halt = happened.find((event) => event.kind === 'halted');
  if (halt?.kind === 'halted') {
    const by = halt.rule ? `rule ${halt.rule}` : halt.by;
    const it = parts.length > 0 ? 'it' : 'It';
    parts.push(`${it} was halted by ${by} on ${formatMoment(halt.atMs, query.timezone)}`);
  }
  return parts.length === 0 ? '' : `${parts.join('; ')}.`;
}

function limitSentence(answer: AgentAnswer): string {
  const { limits, query } = answer;
  const [main] = limits.rules;
  if (!main) return '';
  const { rule, was, now, changes } = main;
  const granted = grantedText(answer, main);
  if (!limits.thenKnown) {
    return now && limits.nowKnown
      ? `Its limit is now ${limitText(now)}; what it was then is not known.`
      : '';
  }
  const then = was
    ? `Its limit was then ${limitText(was)}${granted}`
    : `Then it had no limit under ${rule}`;
  const last = changes.at(-1);
  if (!now && !limits.nowKnown) return `${then}; what it is now is not known.`;
  if (!last) return was ? `Its limit was and is ${limitText(was)}${granted}.` : '';
  const since = `since ${formatDay(last.atMs, query.timezone)}`;
  if (!now) return `${then}; it has had none ${since}.`;
  if (sameText(was, now)) return `${then}, and it is so again ${since}.`;
  return `${then}; it has been ${shortText(was, now)} ${since}.`;
}

/** ` (and $40.00 more that ann granted)` */
function grantedText({ happened }: AgentAnswer, { rule, metric }: RuleLimits): string {
  const grants = happened.flatMap((event) =>
    event.kind === 'granted' && event.rule === rule ? [event] : [],
  );
  if (grants.length === 0) return '';
  const add = grants.reduce((sum, grant) => sum + grant.add, 0);
  const amount = metric ? formatMetric(add, metric) : 'some';
  return ` (and ${amount} more for a time, granted by ${listed([...new Set(grants.map(({ by }) => by))])})`;
}

/** Only the amount, where the rest is as it was. */
function shortText(was: LimitText | undefined, now: LimitText): string {
  return was?.rest === now.rest ? now.amount : limitText(now);
}

/** The team of most of its spend. */
function teamOf({ gathered, expected }: AgentAnswer): string {
  const source = gathered.size > 0 ? gathered : (expected?.usual ?? gathered);
  return sumTop(sumBy(source, ({ team }) => team))[0]?.[0] ?? '';
}

function whenText({ period, query }: AgentAnswer): string {
  if (period.days.length > 1) {
    const word = period.kind === 'month' && !period.soFar ? 'in' : 'from';
    return `${word} ${period.name.replace(', so far', ' so far')}`;
  }
  const until = period.soFar ? ` until ${formatTime(period.untilMs, query.timezone)}` : '';
  return `on ${formatDay(period.fromMs, query.timezone)}${until}`;
}
