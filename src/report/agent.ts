import type { AnnotationEntry, EventEntry } from '../model/entry.js';
import { addSums, noSums, type SpendAttributes, type Sums } from '../model/spend.js';
import type { Policy } from '../policy/policy.js';
import type { PolicyText, Spend } from '../store/spend.js';
import { type Cause, causeOf } from './cause.js';
import { comparisonOf } from './comparison.js';
import { endOfDay } from './dates.js';
import { type Expectation, expectedOfDay, expectedOfPeriod, gatherRows } from './expected.js';
import { type Gathered, totalOf } from './gather.js';
import { type Happening, happenedTo, notedAbout } from './happened.js';
import { type AgentHistory, readHistory } from './history.js';
import { gapsOf } from './known.js';
import { type Limits, limitsOf } from './limits.js';
import { dayOf, lastDays, type Period, periodBefore } from './period.js';
import { sideOf } from './side.js';
import { standInFor } from './stand-in.js';
import { type Unusual, unusualIn } from './unusual.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Of four of the six weekdays the hours must be known, or else the first hour is not told. */
const LEAST_HOURS_MS = 28 * DAY_MS;

/** Where no day is unusual, a week is what a person looks at. */
const DEFAULT_DAYS = 7;

export interface AgentQuery {
  readonly agent: string;
  /** Where none is asked for: today or yesterday if it is unusual, else the last week. */
  readonly period: Period | undefined;
  readonly timezone: string;
  readonly nowMs: number;
  /** The policy of the file, for where the ledger knows of none. */
  readonly policy: Policy | undefined;
}

/** What one agent spent, beside what was to be expected, and why. */
export interface AgentAnswer {
  readonly query: AgentQuery;
  readonly period: Period;
  readonly before: Period;
  readonly gathered: Gathered;
  readonly sums: Sums;
  readonly expected: Expectation | undefined;
  /** Of a single day; undefined of a longer time, or where there are under three days of history. */
  readonly unusual: Unusual | undefined;
  readonly cause: Cause | undefined;
  /** Of a longer time. */
  readonly days: readonly { startMs: number; sums: Sums; unusual: Unusual | undefined }[];
  readonly limits: Limits;
  readonly happened: readonly Happening[];
  readonly noted: readonly AnnotationEntry[];
  readonly notes: readonly string[];
}

export async function explainAgent(spend: Spend, query: AgentQuery): Promise<AgentAnswer> {
  const { agent, timezone, nowMs } = query;
  const [recent, events, texts] = await Promise.all([
    readHistory(spend, agent, query.period, timezone, nowMs),
    spend.events(0, nowMs + 1),
    spend.policies(),
  ]);
  const period = query.period ?? choosePeriod(recent, timezone, nowMs);
  const before = periodBefore(period, timezone, nowMs);
  const gaps = await gapsOf(spend, timezone, period, before);
  const gathered = gatherRows(recent, period);
  const single = period.days.length === 1;
  const dayMs = period.days[0] ?? period.fromMs;
  const unusual = single ? unusualOn(recent, timezone, dayMs, nowMs) : undefined;
  const expected = single
    ? expectedOfDay(recent, timezone, dayMs, nowMs, unusual)
    : gaps.comparable
      ? expectedOfPeriod(
          recent,
          standInFor(period, before, gaps.sinceMs ?? nowMs, timezone, nowMs),
          gaps.part === 1,
          totalOf(gathered),
        )
      : undefined;
  const days = single ? [] : daysOf(recent, period, gaps.sinceMs ?? 0, timezone, nowMs);
  const notes = single ? notesOfDay(unusual, gaps.notes) : gaps.notes;
  return {
    query,
    period,
    before,
    gathered,
    sums: totalOf(gathered),
    expected,
    unusual,
    cause: causeFor(expected, gathered),
    days,
    ...told(query, period, events, texts, [...recent.attributes], spentBy(recent, period)),
    notes,
  };
}

/** When its first hour, or day, of a period ends in which it spent anything; the start of the period if none. */
function spentBy({ days, hours }: AgentHistory, { fromMs, untilMs }: Period): number {
  const first = (rows: AgentHistory['days']) =>
    rows.reduce((ms, { startMs }) => (startMs < fromMs ? ms : Math.min(ms, startMs)), untilMs);
  const dayMs = first(days);
  if (dayMs >= untilMs) return fromMs;
  const hourMs = first(hours);
  // Of a long time the hours are not read.
  return hourMs < dayMs + DAY_MS ? hourMs + HOUR_MS : dayMs + DAY_MS;
}

/** Limits and events beside the spend. */
function told(
  { agent, policy }: AgentQuery,
  { fromMs, untilMs }: Period,
  events: readonly EventEntry[],
  texts: ReadonlyMap<string, PolicyText>,
  attributes: readonly SpendAttributes[],
  spentMs: number,
): Pick<AgentAnswer, 'limits' | 'happened' | 'noted'> {
  return {
    limits: limitsOf(events, texts, attributes, fromMs, spentMs, policy),
    happened: happenedTo(events, agent, fromMs, untilMs),
    noted: notedAbout(events, agent, fromMs, untilMs),
  };
}

function choosePeriod(recent: AgentHistory, timezone: string, nowMs: number): Period {
  const today = dayOf(nowMs, timezone, nowMs);
  const yesterday = dayOf(today.fromMs - 1, timezone, nowMs);
  const found = [today, yesterday].find(
    ({ fromMs }) => unusualOn(recent, timezone, fromMs, nowMs)?.unusual,
  );
  return found ?? lastDays(DEFAULT_DAYS, timezone, nowMs);
}

function unusualOn(
  { dayNano, hourNano, hoursFromMs }: AgentHistory,
  timezone: string,
  dayMs: number,
  nowMs: number,
): Unusual | undefined {
  // Hours that are forgotten would read as hours without spend.
  const known = dayMs - LEAST_HOURS_MS >= hoursFromMs;
  const hours = known ? hourNano : new Map<number, bigint>();
  return unusualIn(comparisonOf(timezone, dayMs, nowMs), { days: dayNano, hours });
}

function causeFor(expected: Expectation | undefined, gathered: Gathered): Cause | undefined {
  if (!expected || expected.usual.size === 0 || gathered.size === 0) return undefined;
  return causeOf(sideOf(expected.usual, expected.days), sideOf(gathered, 1));
}

function daysOf(
  recent: AgentHistory,
  period: Period,
  sinceMs: number,
  timezone: string,
  nowMs: number,
): AgentAnswer['days'] {
  const byDay = new Map<number, Sums>();
  // A day of which nothing is known is none without spend.
  const known = period.days.filter((ms) => endOfDay(ms, timezone) > sinceMs);
  for (const startMs of known) byDay.set(startMs, noSums());
  for (const { startMs, sums } of recent.days) {
    const day = byDay.get(startMs);
    if (day) addSums(day, sums);
  }
  return [...byDay].map(([startMs, sums]) => ({
    startMs,
    sums,
    unusual: unusualOn(recent, timezone, startMs, nowMs),
  }));
}

function notesOfDay(unusual: Unusual | undefined, notes: readonly string[]): string[] {
  // A day is compared with its own history, so a gap in the day before says nothing.
  const kept = notes.filter((note) => !note.startsWith('spend is known from'));
  if (!unusual) {
    return [
      ...kept,
      'it has under three days of history, so nothing can be said about what is normal for it',
    ];
  }
  if (unusual.weeks >= 3) return kept;
  return [
    ...kept,
    `it has only ${unusual.days} days of history, so what is expected is the median of all of them, or of the same weekday where that is more`,
  ];
}
