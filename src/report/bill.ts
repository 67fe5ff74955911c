import type { AnnotationEntry } from '../model/entry.js';
import { addSums, noSums, type SpendAttributes, type Sums } from '../model/spend.js';
import { dayStartMs, dayStartsMs } from '../policy/days.js';
import type { Spend } from '../store/spend.js';
import { type Cause, causeOf } from './cause.js';
import { add, type Gathered, totalOf } from './gather.js';
import { type Growth, growthOf } from './growth.js';
import { notedAbout } from './happened.js';
import { gapsOf } from './known.js';
import { type Period, periodBefore } from './period.js';
import { sideOf } from './side.js';

const DAY_MS = 86_400_000;

/** Growth is looked for in so many whole weeks. */
const WEEKS = 8;

/** So many of the largest changes have their causes found. */
const CAUSES = 10;

export interface BillQuery {
  readonly period: Period;
  readonly timezone: string;
  readonly nowMs: number;
}

/** One agent's part in the change. */
export interface AgentChange {
  readonly agent: string;
  readonly team: string;
  readonly sums: Sums;
  readonly before: Sums;
  readonly changeNano: bigint;
  /** Of the change of the bill: negative where it went the other way. */
  readonly share: number | undefined;
  /** Of the largest changes, where it spent before and now. */
  readonly cause: Cause | undefined;
  readonly growth: Growth | undefined;
  /** The day on which most of its increase came, if it was one. */
  readonly mostlyOnMs: number | undefined;
  /** Its spend by week, the last whole week last. */
  readonly weekly: readonly bigint[];
}

/** What made the bill change against the period before. */
export interface BillAnswer {
  readonly query: BillQuery;
  readonly before: Period;
  readonly comparable: boolean;
  /** All of the period before is known. */
  readonly whole: boolean;
  /** The largest change first, up or down. */
  readonly agents: readonly AgentChange[];
  readonly total: Sums;
  readonly totalBefore: Sums;
  readonly growth: Growth | undefined;
  readonly noted: readonly AnnotationEntry[];
  readonly notes: readonly string[];
}

/** One agent as it is read. */
interface Read {
  readonly now: Gathered;
  readonly earlier: Gathered;
  readonly daily: Map<number, bigint>;
  readonly weekly: bigint[];
}

export async function explainBill(spend: Spend, query: BillQuery): Promise<BillAnswer> {
  const { period, timezone, nowMs } = query;
  const before = periodBefore(period, timezone, nowMs);
  const gaps = await gapsOf(spend, timezone, period, before);
  const weeks = weeksOf(query, gaps.sinceMs ?? nowMs);
  const [read, events] = await Promise.all([
    readAgents(spend, query, before, weeks),
    spend.events(0, nowMs + 1),
  ]);
  const total = noSums();
  const totalBefore = noSums();
  const weekly = weeks.map(() => 0n);
  const sides = [...read].map(([agent, of]) => {
    const [sums, earlier] = [totalOf(of.now), totalOf(of.earlier)];
    for (const [week, nano] of of.weekly.entries()) weekly[week] = (weekly[week] ?? 0n) + nano;
    return { agent, of, sums, earlier, changeNano: sums.costNano - earlier.costNano };
  });
  for (const { sums, earlier } of sides) {
    addSums(total, sums);
    addSums(totalBefore, earlier);
  }
  const sorted = sides
    .filter(({ sums, earlier }) => sums.calls + sums.denied + earlier.calls + earlier.denied > 0)
    .sort(
      (a, b) => Number(size(b.changeNano) - size(a.changeNano)) || (a.agent < b.agent ? -1 : 1),
    );
  const all = total.costNano - totalBefore.costNano;
  const agents = sorted.map(({ agent, of, sums, earlier, changeNano }, at): AgentChange => {
    const both = at < CAUSES && of.now.size > 0 && of.earlier.size > 0;
    return {
      agent,
      team: teamOf(of),
      sums,
      before: earlier,
      changeNano,
      share: gaps.comparable && all !== 0n ? Number(changeNano) / Number(all) : undefined,
      cause:
        both && gaps.comparable ? causeOf(sideOf(of.earlier, 1), sideOf(of.now, 1)) : undefined,
      growth: growthOf(of.weekly),
      mostlyOnMs: at < CAUSES ? mostlyOn(of, period, earlier) : undefined,
      weekly: of.weekly,
    };
  });
  return {
    query,
    before,
    ...gaps,
    agents,
    total,
    totalBefore,
    growth: growthOf(weekly),
    noted: notedAbout(events, undefined, period.fromMs, period.untilMs),
  };
}

/** The days of the last whole weeks up to the end of the period, as far as they are wholly known. */
function weeksOf({ period, timezone, nowMs }: BillQuery, sinceMs: number): number[][] {
  const endMs = period.soFar ? dayStartMs(timezone, nowMs) : period.toMs;
  // Two days more than are needed, for days of 25 hours.
  const days = dayStartsMs(timezone, endMs - (WEEKS * 7 + 2) * DAY_MS, endMs).slice(-WEEKS * 7);
  const weeks = Array.from({ length: WEEKS }, (_, week) => days.slice(week * 7, week * 7 + 7));
  return weeks.filter(([first = 0]) => first + DAY_MS > sinceMs);
}

/** Reads the days of both periods and of the weeks at once. */
async function readAgents(
  spend: Spend,
  { period }: BillQuery,
  before: Period,
  weeks: readonly (readonly number[])[],
): Promise<Map<string, Read>> {
  const read = new Map<string, Read>();
  const of = ({ agent }: SpendAttributes): Read => {
    let found = read.get(agent);
    if (!found) {
      const weekly = weeks.map(() => 0n);
      found = { now: new Map(), earlier: new Map(), daily: new Map(), weekly };
      read.set(agent, found);
    }
    return found;
  };
  const weekOf = new Map(weeks.flatMap((days, week) => days.map((ms) => [ms, week] as const)));
  const [inPeriod, inBefore] = [new Set(period.days), new Set(before.days)];
  const starts = [...new Set([...period.days, ...before.days, ...weekOf.keys()])];
  for await (const rows of spend.rows('day', starts)) {
    for (const { startMs, attributes, sums } of rows) {
      const agent = of(attributes);
      const week = weekOf.get(startMs);
      if (week !== undefined) agent.weekly[week] = (agent.weekly[week] ?? 0n) + sums.costNano;
      if (inBefore.has(startMs)) add(agent.earlier, attributes, sums);
      if (!inPeriod.has(startMs)) continue;
      add(agent.now, attributes, sums);
      agent.daily.set(startMs, (agent.daily.get(startMs) ?? 0n) + sums.costNano);
    }
  }
  if (before.hours.length > 0) {
    for await (const rows of spend.rows('hour', before.hours)) {
      for (const { attributes, sums } of rows) add(of(attributes).earlier, attributes, sums);
    }
  }
  return read;
}

/** The day that made over half of the increase, beside an average day of the period before. */
function mostlyOn({ daily }: Read, period: Period, before: Sums): number | undefined {
  if (period.days.length < 2) return undefined;
  const days = BigInt(period.days.length);
  const usual = before.costNano / days;
  const increases = period.days.map((ms) => ({ ms, by: (daily.get(ms) ?? 0n) - usual }));
  const whole = increases.reduce((sum, { by }) => sum + by, 0n);
  return whole <= 0n ? undefined : increases.find(({ by }) => by * 2n > whole && by > usual)?.ms;
}

function teamOf({ now, earlier }: Read): string {
  for (const gathered of [now, earlier]) {
    let most: { team: string; nano: bigint } | undefined;
    for (const [{ team }, { costNano }] of gathered) {
      if (!most || costNano > most.nano) most = { team, nano: costNano };
    }
    if (most) return most.team;
  }
  return '';
}

function size(nano: bigint): bigint {
  return nano < 0n ? -nano : nano;
}
