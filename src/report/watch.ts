import type { SpendAttributes } from '../model/spend.js';
import type { Grain, Spend } from '../store/spend.js';
import { type Comparison, comparisonOf, type Day, isWhole } from './comparison.js';
import { type Unusual, unusualIn } from './unusual.js';

const HOUR_MS = 3_600_000;

/** One agent whose day was unusual. */
export interface UnusualAgent {
  readonly agent: string;
  readonly unusual: Unusual;
}

/** Spend by agent, and by the start of its day or hour. */
type ByAgent = Map<string, Map<number, bigint>>;

/**
 * The agents that spent unusually much on a day, the largest excess first. Days are read for all of them,
 * hours only for those that may be unusual: a thousand agents have a million hours.
 */
export async function unusualAgents(
  spend: Spend,
  timezone: string,
  dayMs: number,
  nowMs: number,
): Promise<UnusualAgent[]> {
  const comparison = comparisonOf(timezone, dayMs, nowMs);
  const { day, before } = comparison;
  const days = await readByAgent(
    spend,
    'day',
    [...before, day].map(({ startMs }) => startMs),
  );
  const suspects = suspectsIn(days, comparison);
  if (suspects.size === 0) return [];
  const only = ({ agent }: SpendAttributes) => suspects.has(agent);
  const hourStarts = [...before, day].flatMap((one) => hoursOf(one, comparison));
  const hours = await readByAgent(spend, 'hour', hourStarts, only);
  const found = [...suspects].flatMap((agent) => {
    const none = new Map<number, bigint>();
    const history = { days: days.get(agent) ?? none, hours: hours.get(agent) ?? none };
    const unusual = unusualIn(comparison, history);
    return unusual?.unusual ? [{ agent, unusual }] : [];
  });
  return found.toSorted((a, b) => Number(b.unusual.excessNano - a.unusual.excessNano));
}

/** Of a day that is over, those that were unusual; of one that goes on, those that have spent anything. */
function suspectsIn(days: ByAgent, comparison: Comparison): Set<string> {
  const suspects = new Set<string>();
  for (const [agent, totals] of days) {
    const suspect = isWhole(comparison)
      ? unusualIn(comparison, { days: totals, hours: new Map() })?.unusual
      : (totals.get(comparison.day.startMs) ?? 0n) > 0n;
    if (suspect) suspects.add(agent);
  }
  return suspects;
}

/** The hours of a day, up to the one that the comparison has come to. */
function hoursOf({ startMs, endMs }: Day, { day, untilMs }: Comparison): number[] {
  const lastMs = Math.min(endMs, startMs + untilMs - day.startMs);
  const starts: number[] = [];
  for (let ms = startMs; ms < lastMs; ms += HOUR_MS) starts.push(ms);
  return starts;
}

async function readByAgent(
  spend: Spend,
  grain: Grain,
  startsMs: readonly number[],
  only?: (attributes: SpendAttributes) => boolean,
): Promise<ByAgent> {
  const byAgent: ByAgent = new Map();
  for await (const rows of spend.rows(grain, startsMs, only)) {
    for (const { startMs, attributes, sums } of rows) {
      let spent = byAgent.get(attributes.agent);
      if (!spent) {
        spent = new Map();
        byAgent.set(attributes.agent, spent);
      }
      spent.set(startMs, (spent.get(startMs) ?? 0n) + sums.costNano);
    }
  }
  return byAgent;
}
