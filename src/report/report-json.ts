import { noSums, type Sums } from '../model/spend.js';
import { csvRow } from './csv.js';
import { exactUsd } from './figures.js';
import { howKnown } from './known.js';
import type { Report } from './report.js';

/** The sums for programs: money as exact decimals in USD. */
export function sumsJson(sums: Sums): Record<string, string | number> {
  return {
    costUsd: exactUsd(sums.costNano),
    calls: sums.calls,
    tokensIn: sums.tokensIn,
    tokensOut: sums.tokensOut,
    unsettledUsd: exactUsd(sums.unsettledNano),
    assumedUsd: exactUsd(sums.assumedNano),
    unauthorizedUsd: exactUsd(sums.unauthorizedNano),
    denied: sums.denied,
    deniedUsd: exactUsd(sums.deniedNano),
  };
}

/** The report for programs. */
export function reportJson(report: Report, top: number): object {
  const { query, before, rows, total, totalBefore, notes, comparable } = report;
  return {
    period: {
      name: query.period.name,
      from: iso(query.period.fromMs),
      to: iso(query.period.untilMs),
    },
    before: {
      name: before.name,
      from: iso(before.fromMs),
      to: iso(before.untilMs),
      known: comparable,
    },
    timezone: query.timezone,
    rows: rows.slice(0, top).map(({ values, sums, before: earlier }) => ({
      ...Object.fromEntries(query.by.map((by, at) => [by, values[at]])),
      ...sumsJson(sums),
      beforeUsd: exactUsd(earlier.costNano),
    })),
    total: { ...sumsJson(total), beforeUsd: exactUsd(totalBefore.costNano) },
    known: howKnown(total),
    notes,
  };
}

/** The report for a spreadsheet. */
export function reportCsv(report: Report, top: number): string {
  const { query, rows } = report;
  const columns = Object.keys(sumsJson(noSums()));
  const lines = [
    [...query.by, ...columns, 'beforeUsd'],
    ...rows
      .slice(0, top)
      .map(({ values, sums, before }) => [
        ...values,
        ...Object.values(sumsJson(sums)),
        exactUsd(before.costNano),
      ]),
  ];
  return lines.map(csvRow).join('');
}

export function iso(ms: number): string {
  return new Date(ms).toISOString();
}
