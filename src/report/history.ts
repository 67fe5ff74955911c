import type { SpendAttributes } from '../model/spend.js';
import { dayStartMs, dayStartsMs, hourStartsMs } from '../policy/days.js';
import type { Spend, SpendRow } from '../store/spend.js';
import { COMPARED_DAYS } from './comparison.js';
import { HOUR_DAYS, type Period, periodBefore } from './period.js';

const DAY_MS = 86_400_000;

/** The spend of one agent by the day and by the hour, as far back as its answer asks. */
export interface AgentHistory {
  readonly days: readonly SpendRow[];
  readonly hours: readonly SpendRow[];
  readonly dayNano: ReadonlyMap<number, bigint>;
  readonly hourNano: ReadonlyMap<number, bigint>;
  /** What is before has no hours. */
  readonly hoursFromMs: number;
  /** All that it has spent by. */
  readonly attributes: ReadonlySet<SpendAttributes>;
}

/** @param period undefined: it is not known yet whether it is today, yesterday, or the last week */
export async function readHistory(
  spend: Spend,
  agent: string,
  period: Period | undefined,
  timezone: string,
  nowMs: number,
): Promise<AgentHistory> {
  const only = (attributes: SpendAttributes) => attributes.agent === agent;
  const todayMs = dayStartMs(timezone, nowMs);
  const fromMs = period?.fromMs ?? dayStartMs(timezone, todayMs - 7 * DAY_MS);
  const toMs = period?.toMs ?? nowMs;
  const before = period && periodBefore(period, timezone, nowMs);
  const firstMs = Math.min(before?.fromMs ?? fromMs, fromMs - (COMPARED_DAYS + 1) * DAY_MS);
  const dayStarts = dayStartsMs(timezone, firstMs, toMs);
  // Of a long time no first hour is shown; a period that is cut short has its hours.
  const long = period !== undefined && period.days.length > 1;
  const hoursFromMs = nowMs - HOUR_DAYS * DAY_MS;
  const hoursMs = Math.max(fromMs - (COMPARED_DAYS + 1) * DAY_MS, hoursFromMs);
  const today = long ? [todayMs] : [];
  const hourStarts = long
    ? [...(before?.hours ?? []), ...comparedHours(period.soFar ? today : [], timezone, nowMs)]
    : hourStartsMs(timezone, dayStartMs(timezone, hoursMs), toMs);
  const [days, hours] = await Promise.all([
    read(spend, 'day', dayStarts, only),
    read(spend, 'hour', [...new Set(hourStarts)], only),
  ]);
  const attributes = new Set([...days, ...hours].map((row) => row.attributes));
  return { days, hours, dayNano: nanoBy(days), hourNano: nanoBy(hours), hoursFromMs, attributes };
}

/** The hours that a day which goes on is compared by. */
function comparedHours(days: readonly number[], timezone: string, nowMs: number): number[] {
  return days.flatMap((dayMs) =>
    hourStartsMs(timezone, dayMs - (COMPARED_DAYS + 1) * DAY_MS, nowMs),
  );
}

async function read(
  spend: Spend,
  grain: 'day' | 'hour',
  startsMs: readonly number[],
  only: (attributes: SpendAttributes) => boolean,
): Promise<SpendRow[]> {
  const all: SpendRow[] = [];
  if (startsMs.length === 0) return all;
  for await (const rows of spend.rows(grain, startsMs, only)) all.push(...rows);
  return all;
}

function nanoBy(rows: readonly SpendRow[]): Map<number, bigint> {
  const by = new Map<number, bigint>();
  for (const { startMs, sums } of rows) by.set(startMs, (by.get(startMs) ?? 0n) + sums.costNano);
  return by;
}
