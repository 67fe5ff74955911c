import { type AgentChange, type BillAnswer, presenceOf, toldChange } from './bill.js';
import { formatDay } from './dates.js';
import { changeUsd, counted, listed, roundPercent, roundUsd, times } from './figures.js';

/** A change of the bill below this is none. */
const STEADY = 0.01;

/** Agents whose parts are said in words; the table has the others. */
const NAMED = 3;

/** An agent is named beside the first if it made so much of the change. */
const WORTH_NAMING = 0.1;

/** Growth is named of agents that are so much of the bill. */
const WORTH_GROWTH = 0.02;

/** What made the bill change in a few plain sentences, to be pasted into a mail. */
export function billSentences(answer: BillAnswer): string[] {
  return [
    totalSentence(answer),
    ...(answer.comparable ? causeSentences(answer) : []),
    cameAndWent(answer),
    growthSentence(answer),
  ].filter((sentence) => sentence !== '');
}

function totalSentence(answer: BillAnswer): string {
  const { query, before, total, totalBefore, totalStandIn, comparable, part } = answer;
  const now = roundUsd(total.costNano);
  const bill = `The bill of ${query.period.name.replace(', so far', ' so far')} is ${now}`;
  if (!comparable) return `${bill}; there is nothing to compare it with yet.`;
  const by = total.costNano - totalStandIn.costNano;
  const [known, aDay] = part === 1 ? ['', ''] : ['the known days of ', ' a day'];
  const than = `that of ${known}${before.name} (${roundUsd(totalBefore.costNano)}, ${changeText(answer, by)})`;
  const share = Number(by) / Number(totalStandIn.costNano);
  if (totalStandIn.costNano <= 0n) return `${bill}; nothing was spent in ${known}${before.name}.`;
  if (Math.abs(share) < STEADY) return `${bill},${aDay} about the same as ${than}.`;
  // From ten times on a percentage is a number that nobody reads.
  if (share >= 9) return `${bill},${aDay} ${times(share + 1)} ${than}.`;
  const more = share > 0 ? 'more' : 'less';
  return `${bill},${aDay} ${roundPercent(Math.abs(share))} ${more} than ${than}.`;
}

/** "+$12.30", of a part "+$1.23 a day". */
function changeText(answer: BillAnswer, nano: bigint): string {
  return `${changeUsd(toldChange(answer, nano))}${answer.part === 1 ? '' : ' a day'}`;
}

/** Who made it, in the direction in which the bill went. */
function causeSentences(answer: BillAnswer): string[] {
  const { agents, total, totalStandIn } = answer;
  const by = total.costNano - totalStandIn.costNano;
  const along = agents.filter(
    ({ changeNano }) => changeNano !== 0n && changeNano > 0n === by >= 0n,
  );
  const named = along
    .filter(({ share = 0 }, at) => at === 0 || share >= WORTH_NAMING)
    .slice(0, NAMED)
    .filter(({ changeNano }) => Math.abs(Number(changeNano)) >= Number(total.costNano) * STEADY);
  const sentences = named.map((one, at) => partSentence(one, at, answer));
  const against = agents.find(
    ({ changeNano }) => changeNano !== 0n && changeNano > 0n !== by >= 0n,
  );
  if (against && Math.abs(Number(against.changeNano)) >= Math.abs(Number(by)) * WORTH_NAMING) {
    const more = against.changeNano > 0n ? 'more' : 'less';
    const told = toldChange(answer, against.changeNano);
    const size = `${roundUsd(told < 0n ? -told : told)}${answer.part === 1 ? '' : ' a day'}`;
    const because = against.cause ? `, because ${against.cause.clause}` : '';
    sentences.push(`${nameOf(against)} spent ${size} ${more}${because}.`);
  }
  return sentences;
}

function partSentence(one: AgentChange, at: number, answer: BillAnswer): string {
  const { query, noted } = answer;
  const { share, changeNano, cause, mostlyOnMs } = one;
  const amount = changeText(answer, changeNano);
  // Over all of it is possible, where others went the other way; many times it says nothing.
  const part =
    share !== undefined && share <= 2
      ? `made ${roundPercent(share)} of the change (${amount})`
      : `changed by ${amount}`;
  const presence = presenceOf(one);
  const fresh =
    presence === ''
      ? ''
      : presence.startsWith('nothing')
        ? `, with ${presence}`
        : `, and is ${presence}`;
  const because = cause && fresh === '' ? `, because ${cause.clause}` : '';
  const day =
    mostlyOnMs === undefined ? '' : `, most of it on ${formatDay(mostlyOnMs, query.timezone)}`;
  const note = noted.find(({ agent }) => agent === one.agent);
  const said = at === 0 && note ? ` ("${note.text}", noted by ${note.by})` : '';
  return `${nameOf(one)} ${part}${fresh}${because}${day}${said}.`;
}

function cameAndWent({ agents, comparable }: BillAnswer): string {
  if (!comparable) return '';
  const fresh = agents.filter(({ isNew }) => isNew);
  const gone = agents.filter(({ isGone }) => isGone);
  const sum = (of: readonly bigint[]) => roundUsd(of.reduce((all, nano) => all + nano, 0n));
  const parts = [
    fresh.length > 0
      ? `${counted(fresh.length, 'agent')} ${fresh.length === 1 ? 'is' : 'are'} new (${sum(fresh.map(({ sums }) => sums.costNano))})`
      : '',
    gone.length > 0
      ? `${counted(gone.length, 'agent')} spent nothing any more (${sum(gone.map(({ before }) => before.costNano))} before)`
      : '',
  ].filter((part) => part !== '');
  return parts.length === 0 ? '' : `${listed(parts)}.`;
}

function growthSentence({ agents, growth, total }: BillAnswer): string {
  const growing = agents
    .filter(
      ({ growth: own, sums }) =>
        own && Number(sums.costNano) >= Number(total.costNano) * WORTH_GROWTH,
    )
    .sort((a, b) => Number((b.weekly.at(-1) ?? 0n) - (a.weekly.at(-1) ?? 0n)))
    .slice(0, NAMED)
    .map((one) => {
      const { perWeek = 0, weeks = 0 } = one.growth ?? {};
      const [first = 0n, last = 0n] = [one.weekly.at(-weeks), one.weekly.at(-1)];
      return `${nameOf(one)} has grown steadily by about ${roundPercent(perWeek)} a week over the last ${weeks} weeks, from ${roundUsd(first)} to ${roundUsd(last)} a week`;
    });
  const whole = growth
    ? `the whole bill grows by about ${roundPercent(growth.perWeek)} a week over the last ${growth.weeks} weeks`
    : '';
  const all = [...growing, ...(whole === '' ? [] : [whole])].join('; ');
  return all === '' ? '' : `${all[0] === 't' && growing.length === 0 ? `T${all.slice(1)}` : all}.`;
}

function nameOf({ agent, team }: AgentChange): string {
  return team === '' ? agent : `${agent} of ${team}`;
}
