import type { AnnotationEntry } from '../model/entry.js';
import { addSums, noSums, type Sums } from '../model/spend.js';
import { dayStartMs } from '../policy/days.js';
import type { Spend } from '../store/spend.js';
import { type Read, readAgents, weeksOf } from './bill-read.js';
import { type Cause, causeOf } from './cause.js';
import { dividedSums, totalOf } from './gather.js';
import { type Growth, growthOf } from './growth.js';
import { notedAbout } from './happened.js';
import { gapsOf } from './known.js';
import { mostlyOn } from './mostly-on.js';
import { type Period, periodBefore } from './period.js';
import { sideOf } from './side.js';
import { standInFor } from './stand-in.js';

const DAY_MS = 86_400_000;

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
  /** What is known of the period before, and what stands for it: the same where it is known whole. */
  readonly before: Sums;
  readonly standIn: Sums;
  /** Against what stands for it. */
  readonly changeNano: bigint;
  /** Of the change of the bill: negative where it went the other way. */
  readonly share: number | undefined;
  /** Of the largest changes, where it spent before and now. */
  readonly cause: Cause | undefined;
  readonly growth: Growth | undefined;
  /** It had spent nothing before, as far as its weeks and the period before tell. */
  readonly isNew: boolean;
  /** It spends no more: nothing in the period, which is a week at least, or in the week up to its end. */
  readonly isGone: boolean;
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
  /** How much of the period before is known: of less than all, its weekdays are compared. */
  readonly part: number;
  /** The largest change first, up or down. */
  readonly agents: readonly AgentChange[];
  readonly total: Sums;
  readonly totalBefore: Sums;
  readonly totalStandIn: Sums;
  readonly growth: Growth | undefined;
  readonly noted: readonly AnnotationEntry[];
  readonly notes: readonly string[];
}

export async function explainBill(spend: Spend, query: BillQuery): Promise<BillAnswer> {
  const { period, timezone, nowMs } = query;
  const before = periodBefore(period, timezone, nowMs);
  const gaps = await gapsOf(spend, timezone, period, before);
  const weeks = weeksOf(period, timezone, nowMs, gaps.sinceMs ?? nowMs);
  const sinceMs = gaps.comparable ? (gaps.sinceMs ?? nowMs) : before.fromMs;
  const standIn = standInFor(period, before, sinceMs, timezone, nowMs);
  const { over } = standIn;
  const [read, events] = await Promise.all([
    readAgents(spend, period, before, standIn, weeks),
    spend.events(0, nowMs + 1),
  ]);
  const knownBefore = before.days.filter((ms) => ms >= (gaps.sinceMs ?? 0));
  const total = noSums();
  const totalBefore = noSums();
  const totalStandIn = noSums();
  const weekly = weeks.map(() => 0n);
  const sides = [...read].map(([agent, of]) => {
    const sums = totalOf(of.now);
    const earlier = dividedSums(totalOf(of.earlier), over);
    for (const [week, nano] of of.weekly.entries()) weekly[week] = (weekly[week] ?? 0n) + nano;
    return { agent, of, sums, earlier, changeNano: sums.costNano - earlier.costNano };
  });
  for (const { of, sums, earlier } of sides) {
    addSums(total, sums);
    addSums(totalBefore, of.before);
    addSums(totalStandIn, earlier);
  }
  const sorted = sides
    .filter(({ of, sums }) => sums.calls + sums.denied + of.before.calls + of.before.denied > 0)
    .sort(
      (a, b) => Number(size(b.changeNano) - size(a.changeNano)) || (a.agent < b.agent ? -1 : 1),
    );
  const all = total.costNano - totalStandIn.costNano;
  const agents = sorted.map(({ agent, of, sums, earlier, changeNano }, at): AgentChange => {
    const both = at < CAUSES && of.now.size > 0 && of.earlier.size > 0;
    return {
      agent,
      team: teamOf(of),
      sums,
      before: of.before,
      standIn: earlier,
      changeNano,
      share: gaps.comparable && all !== 0n ? Number(changeNano) / Number(all) : undefined,
      cause:
        both && gaps.comparable ? causeOf(sideOf(of.earlier, over), sideOf(of.now, 1)) : undefined,
      growth: growthOf(of.weekly),
      ...(gaps.comparable ? cameOrWent(of, query, sums) : NEITHER),
      mostlyOnMs: at < CAUSES ? mostlyOn(of.daily, period.days, knownBefore) : undefined,
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
    totalStandIn,
    growth: growthOf(weekly),
    noted: notedAbout(events, undefined, period.fromMs, period.untilMs),
  };
}

/** A change as it is told: of a part a day, since it is none from what is known of that to what is now. */
export function toldChange({ part, query: { period } }: BillAnswer, nano: bigint): bigint {
  if (part === 1) return nano;
  return BigInt(Math.round((Number(nano) * DAY_MS) / (period.untilMs - period.fromMs)));
}

/** Why there is nothing to compare: "new", "gone", or nothing on one side; '' if there is. */
export function presenceOf({ isNew, isGone, sums, before }: AgentChange): string {
  if (isNew) return 'new';
  if (isGone) return 'gone';
  if (before.calls === 0 && sums.calls > 0) return 'nothing before';
  return sums.calls === 0 && before.calls > 0 ? 'nothing then' : '';
}

const NEITHER = { isNew: false, isGone: false };

/** Agents that rest for a day or two are neither new nor gone. */
function cameOrWent(
  { firstMs, lastMs }: Read,
  { period, timezone }: BillQuery,
  sums: Sums,
): { isNew: boolean; isGone: boolean } {
  const weekMs = dayStartMs(timezone, period.untilMs - 7 * DAY_MS);
  return {
    isNew: sums.calls > 0 && firstMs >= period.fromMs,
    isGone: sums.calls === 0 && lastMs < Math.min(weekMs, period.fromMs),
  };
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
