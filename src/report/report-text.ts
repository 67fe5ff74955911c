import { addSums, noSums, type Sums } from '../model/spend.js';
import { NONE } from './by.js';
import { change, count, counted, decimalsFor, larger, percent, ratioOf, usd } from './figures.js';
import { howKnown } from './known.js';
import type { Report, ReportRow } from './report.js';
import type { Style } from './style.js';
import { bar, table } from './table.js';

/** The report for a person. @param top how many rows it shows; the others are one */
export function reportText(report: Report, top: number, style: Style): string {
  const { query, before, rows, total, totalBefore, notes, comparable } = report;
  const filters = query.filters.length > 0 ? `, ${query.filters.join(', ')}` : '';
  const against = comparable ? style.dim(` (against ${before.name})`) : '';
  const lines = [`${style.bold(`Spend of ${query.period.name}${filters}`)}${against}`, ''];
  if (rows.length === 0) lines.push('no call, neither then nor in the period before');
  else lines.push(...rowLines(report, top, style));
  lines.push('', `How it is known: ${howKnown(total)}`);
  for (const note of notes) lines.push(`Note: ${note}`);
  if (rows.length > 0 && total.calls === 0 && totalBefore.calls > 0) {
    lines.push(
      'Note: no call was settled in this period, so all that is shown is what it was before',
    );
  }
  return lines.join('\n');
}

function rowLines(report: Report, top: number, style: Style): string[] {
  const { query, rows, total, totalBefore, comparable } = report;
  // One row too many is no reason for a line that stands for it.
  const shown = rows.length === top + 1 ? rows : rows.slice(0, top);
  const rest = rows.slice(shown.length);
  const largest = rows[0]?.sums.costNano ?? 0n;
  const decimals = decimalsFor(larger(total.costNano, totalBefore.costNano));
  const line = (names: readonly string[], sums: Sums, before: Sums, barred: boolean) => [
    ...names,
    usd(sums.costNano, decimals),
    barred ? bar(ratioOf(sums.costNano, largest) ?? 0) : '',
    total.costNano > 0n ? percent(ratioOf(sums.costNano, total.costNano) ?? 0) : '',
    comparable ? usd(before.costNano, decimals) : '',
    comparable ? change(sums.costNano, before.costNano) : '',
    count(sums.calls),
    sums.denied === 0 ? '' : count(sums.denied),
  ];
  const blank = query.by.slice(1).map(() => '');
  const body = shown.map(({ values, sums, before }) =>
    line(
      values.map((value) => value || NONE),
      sums,
      before,
      true,
    ),
  );
  if (rest.length > 0) {
    const { sums, before } = sumOf(rest);
    body.push(line([counted(rest.length, 'other'), ...blank], sums, before, false));
  }
  body.push(line(['total', ...blank], total, totalBefore, false));
  const changed = [
    ...shown.map((row) => row),
    ...(rest.length > 0 ? [sumOf(rest)] : []),
    { sums: total, before: totalBefore },
  ];
  const paintChange = (padded: string, at: number) => {
    const row = changed[at];
    if (!row || row.sums.costNano === row.before.costNano) return padded;
    return row.sums.costNano > row.before.costNano ? style.red(padded) : style.green(padded);
  };
  const lines = table(
    [
      ...query.by.map((by) => ({ title: by, cut: true })),
      { title: 'spend', right: true },
      { title: '', drop: 1 },
      { title: 'share', right: true, drop: 2 },
      { title: 'before', right: true, drop: 3, paint: style.dim },
      { title: 'change', right: true, paint: paintChange },
      { title: 'calls', right: true },
      { title: 'denied', right: true },
    ],
    body,
    style,
  );
  return [...lines.slice(0, -1), style.bold(lines.at(-1) ?? '')];
}

function sumOf(rows: readonly ReportRow[]): { sums: Sums; before: Sums } {
  const sum = { sums: noSums(), before: noSums() };
  for (const row of rows) {
    addSums(sum.sums, row.sums);
    addSums(sum.before, row.before);
  }
  return sum;
}
