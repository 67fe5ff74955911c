import { type AgentChange, type BillAnswer, presenceOf } from './bill.js';
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
  const against = comparable ? `against ${againstText(answer)}` : '';
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

/** Of a part that is known the whole is told, or all would look like growth. */
function againstText({ before, part }: BillAnswer): string {
  return part === 1 ? before.name : `as much a day as in what is known of ${before.name}`;
}

function agentLines(answer: BillAnswer, top: number, style: Style): string[] {
  const { agents, total, totalBefore, comparable } = answer;
  const shown = agents.length === top + 1 ? agents : agents.slice(0, top);
  const rest = agents.slice(shown.length);
  // Of no change at all there is no largest.
  const largest = Math.abs(Number(agents[0]?.changeNano ?? 0n)) || 1;
  const higher = total.costNano > totalBefore.costNano ? total : totalBefore;
  const decimals = decimalsFor(higher.costNano);
  const line = (name: string, team: string, nano: bigint, before: bigint, more: string[]) => [
    name,
    team,
    usd(nano, decimals),
    comparable ? usd(before, decimals) : '',
    comparable ? signed(nano - before, decimals) : '',
    comparable ? change(nano, before) : '',
    ...more,
  ];
  const rows = shown.map((one) =>
    line(one.agent, one.team, one.sums.costNano, one.before.costNano, [
      comparable ? bar(Math.abs(Number(one.changeNano)) / largest) : '',
      shareText(one),
      why(one, answer),
    ]),
  );
  const ups = [...shown.map(({ changeNano }) => changeNano)];
  if (rest.length > 0) {
    const sum = (of: (one: AgentChange) => bigint) => rest.reduce((all, one) => all + of(one), 0n);
    const [now, before] = [sum(({ sums }) => sums.costNano), sum((one) => one.before.costNano)];
    rows.push(line(counted(rest.length, 'other'), '', now, before, ['', '', '']));
    ups.push(now - before);
  }
  rows.push(line('total', '', total.costNano, totalBefore.costNano, ['', '', '']));
  ups.push(total.costNano - totalBefore.costNano);
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
      { title: 'change', right: true, paint },
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
