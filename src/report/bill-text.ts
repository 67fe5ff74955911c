import { addSums, noSums } from '../model/spend.js';
import { type AgentChange, type BillAnswer, presenceOf, toldChange } from './bill.js';
import { billSentences } from './bill-sentences.js';
import { formatDay } from './dates.js';
import { change, counted, decimalsFor, roundPercent, usd } from './figures.js';
import { howKnown } from './known.js';
import { heading, note, paragraph } from './paragraph.js';
import type { Style } from './style.js';
import { bar, table } from './table.js';

/** What made the bill change, for a person. @param top agents that are shown; the others are one line */
export function billText(answer: BillAnswer, top: number, style: Style): string {
  const { query, agents, total, comparable, noted, notes } = answer;
  const against = comparable ? againstText(answer) : '';
  const lines = [...heading(`The bill of ${query.period.name}`, against, style), ''];
  if (agents.length === 0) lines.push('no call, neither then nor in the period before');
  else lines.push(...agentLines(answer, top, style));
  if (noted.length > 0) {
    const rows = noted.map(({ fromMs, agent, text, by }) => [
      formatDay(fromMs, query.timezone),
      agent || 'all agents',
      `${text} (${by})`,
    ]);
    const columns = [
      { title: 'noted for' },
      { title: 'agent', cut: true },
      { title: 'note', cut: true },
    ];
    lines.push('', ...table(columns, rows, style));
  }
  if (agents.length > 0) lines.push('', ...paragraph(billSentences(answer).join(' '), style));
  lines.push('', ...note(`How it is known: ${howKnown(total)}`, style));
  for (const text of notes) lines.push(...note(`Note: ${text}`, style));
  return lines.join('\n');
}

/** Of a part that is known a day is compared, or all would look like growth. */
function againstText({ before, part }: BillAnswer): string {
  return part === 1 ? `against ${before.name}` : `a day, against the known days of ${before.name}`;
}

type Compared = Pick<AgentChange, 'sums' | 'before' | 'standIn'>;

function agentLines(answer: BillAnswer, top: number, style: Style): string[] {
  const { agents, total, totalBefore, totalStandIn, comparable, part } = answer;
  const shown = agents.length === top + 1 ? agents : agents.slice(0, top);
  const rest = agents.slice(shown.length);
  // Of no change at all there is no largest.
  const largest = Math.abs(Number(agents[0]?.changeNano ?? 0n)) || 1;
  const higher = total.costNano > totalBefore.costNano ? total : totalBefore;
  const decimals = decimalsFor(higher.costNano);
  const line = (
    name: string,
    team: string,
    { sums, before, standIn }: Compared,
    more: string[],
  ) => {
    const [nano, was] = [sums.costNano, standIn.costNano];
    return [
      name,
      team,
      usd(nano, decimals),
      comparable ? usd(before.costNano, decimals) : '',
      comparable ? signed(toldChange(answer, nano - was), decimals) : '',
      comparable ? change(nano, was) : '',
      ...more,
    ];
  };
  const rows = shown.map((one) =>
    line(one.agent, one.team, one, [
      comparable ? bar(Math.abs(Number(one.changeNano)) / largest) : '',
      shareText(one),
      why(one, answer),
    ]),
  );
  const ups = [...shown.map(({ changeNano }) => changeNano)];
  if (rest.length > 0) {
    const all = { sums: noSums(), before: noSums(), standIn: noSums() };
    for (const one of rest) {
      addSums(all.sums, one.sums);
      addSums(all.before, one.before);
      addSums(all.standIn, one.standIn);
    }
    rows.push(line(counted(rest.length, 'other'), '', all, ['', '', '']));
    ups.push(all.sums.costNano - all.standIn.costNano);
  }
  const whole = { sums: total, before: totalBefore, standIn: totalStandIn };
  rows.push(line('total', '', whole, ['', '', '']));
  ups.push(total.costNano - totalStandIn.costNano);
  const paint = (padded: string, row: number) => {
    const by = ups[row] ?? 0n;
    return by > 0n ? style.red(padded) : by < 0n ? style.green(padded) : padded;
  };
  const lines = table(
    [
      { title: 'agent', cut: true },
      { title: 'team', cut: true, drop: 2 },
      { title: 'spend', right: true },
      { title: 'before', right: true, drop: 3, paint: style.dim },
      { title: part === 1 ? 'change' : 'change a day', right: true, paint },
      { title: '', right: true, paint },
      { title: '', drop: 1 },
      { title: 'of it', right: true },
      // The column that answers: less of it would say nothing.
      { title: 'because', cut: true, least: 24 },
    ],
    rows,
    style,
  );
  return [...lines.slice(0, -1), style.bold(lines.at(-1) ?? '')];
}

function signed(nano: bigint, decimals: number): string {
  return `${nano > 0n ? '+' : ''}${usd(nano, decimals)}`;
}

/** Shares of a change that is nearly nothing are of any size, and say nothing. */
function shareText({ share }: AgentChange): string {
  return share === undefined || Math.abs(share) > 9.99 ? '' : roundPercent(share);
}

function why(one: AgentChange, answer: BillAnswer): string {
  const { cause, changeNano, mostlyOnMs, growth } = one;
  if (!answer.comparable) return '';
  const presence = presenceOf(one);
  if (presence !== '') return presence;
  // What is under a hundredth of the bill has a cause too, but nobody asks for it.
  const small = Math.abs(Number(changeNano)) < Number(answer.total.costNano) / 100;
  const day =
    mostlyOnMs === undefined ? '' : `; mostly on ${formatDay(mostlyOnMs, answer.query.timezone)}`;
  const grows = growth ? `; +${(growth.perWeek * 100).toFixed(0)}% a week` : '';
  return !cause || small ? grows.slice(2) : `${cause.detail}${day}${grows}`;
}
