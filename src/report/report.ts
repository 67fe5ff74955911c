import { addSums, noSums, type Sums } from '../model/spend.js';
import type { Spend } from '../store/spend.js';
import { attributeOfSpend, type By } from './by.js';
import { type Gathered, gather, type Only, totalOf } from './gather.js';
import { gapsOf } from './known.js';
import { type Period, periodBefore } from './period.js';

export interface ReportQuery {
  readonly by: readonly By[];
  readonly period: Period;
  readonly only: Only | undefined;
  /** What `only` keeps, for people: "agent support-*". */
  readonly filters: readonly string[];
  readonly timezone: string;
  readonly nowMs: number;
}

/** Who spent what, the most first, against the period before. */
export interface Report {
  readonly query: ReportQuery;
  readonly before: Period;
  /** The period before is known, at least in part. */
  readonly comparable: boolean;
  readonly rows: readonly ReportRow[];
  readonly total: Sums;
  readonly totalBefore: Sums;
  /** What is missing. */
  readonly notes: readonly string[];
}

export interface ReportRow {
  /** One for each of `by`; '' is absent. */
  readonly values: readonly string[];
  readonly sums: Sums;
  readonly before: Sums;
}

export async function reportOn(spend: Spend, query: ReportQuery): Promise<Report> {
  const { period, timezone, nowMs, only } = query;
  const before = periodBefore(period, timezone, nowMs);
  const [now, then, gaps] = await Promise.all([
    gather(spend, period, only),
    gather(spend, before, only),
    gapsOf(spend, timezone, period, before),
  ]);
  return {
    query,
    before,
    ...gaps,
    rows: rowsOf(query.by, now, then),
    total: totalOf(now),
    totalBefore: totalOf(then),
  };
}

/** What no value has in it, since control characters are refused. */
const SEPARATOR = '\n';

function rowsOf(by: readonly By[], now: Gathered, before: Gathered): ReportRow[] {
  const rows = new Map<string, ReportRow>();
  for (const [gathered, side] of [
    [now, 'sums'],
    [before, 'before'],
  ] as const) {
    for (const [attributes, sums] of gathered) {
      const values = by.map((one) => attributeOfSpend(attributes, one));
      const key = values.join(SEPARATOR);
      let row = rows.get(key);
      if (!row) {
        row = { values, sums: noSums(), before: noSums() };
        rows.set(key, row);
      }
      addSums(row[side], sums);
    }
  }
  return [...rows.values()].sort(
    (a, b) =>
      compare(b.sums.costNano, a.sums.costNano) ||
      compare(b.before.costNano, a.before.costNano) ||
      b.sums.calls + b.sums.denied - a.sums.calls - a.sums.denied ||
      (a.values.join(SEPARATOR) < b.values.join(SEPARATOR) ? -1 : 1),
  );
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
