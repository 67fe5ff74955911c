import type { SpendAttributes } from '../model/spend.js';
import type { Grain, Spend } from '../store/spend.js';
import { type Comparison, comparisonOf, type Day, sameWeekdays } from './comparison.js';
import { WEEKDAY_DAYS } from './deviation.js';
import { type Unusual, unusualIn } from './unusual.js';

const HOUR_MS = 3_600_000;

/** The day of one agent, beside others. */
export interface ComparedAgent {
  readonly agent: string;
  readonly unusual: Unusual;
}

/** Spend by agent, and by the start of its day or hour. */
type ByAgent = Map<string, Map<number, bigint>>;

/**
 * How a day compares with others, of every agent whose history is long enough to tell, those too that have
 * spent nothing on it. It reads the hours of a week for each of them: for now and then.
 */
export async function compareAgents(
  spend: Spend,
  timezone: string,
  dayMs: number,
  nowMs: number,
): Promise<ComparedAgent[]> {
  const comparison = comparisonOf(timezone, dayMs, nowMs);
  const all = [...comparison.before, comparison.day];
  const starts = all.map(({ startMs }) => startMs);
  const days = await readByAgent(spend, 'day', starts);
  const { old, young } = byHistory(days, comparison);
  const compared = new Map<string, ComparedAgent>();
  const take = async (agents: Iterable<string>, ofDays: readonly Day[]) => {
    const names = [...agents];
    // The hours of so many at a time are in memory.
    for (let at = 0; at < names.length; at += AGENTS_AT_ONCE) {
      const some = new Set(names.slice(at, at + AGENTS_AT_ONCE));
      for (const one of await find(spend, comparison, days, some, ofDays)) {
        compared.set(one.agent, one);
      }
    }
  };
  await take(old, [...sameWeekdays(comparison), comparison.day]);
  await take(young, all);
  return [...compared.values()];
}

/** Agents whose hours are read at once: of six weeks of them some 40 MB at most. */
const AGENTS_AT_ONCE = 500;

/** Compares agents by their days and by the hours of some of these. */
async function find(
  spend: Spend,
  comparison: Comparison,
  days: ByAgent,
  agents: ReadonlySet<string>,
  ofDays: readonly Day[],
): Promise<ComparedAgent[]> {
  if (agents.size === 0) return [];
  const only = ({ agent }: SpendAttributes) => agents.has(agent);
  const starts = ofDays.flatMap((day) => hoursOf(day, comparison));
  const hours = await readByAgent(spend, 'hour', starts, only);
  return [...agents].flatMap((agent) => {
    const history = { days: days.get(agent) ?? NONE, hours: hours.get(agent) ?? NONE };
    const unusual = unusualIn(comparison, history);
    return unusual ? [{ agent, unusual }] : [];
  });
}

const NONE: ReadonlyMap<number, bigint> = new Map();

interface ByHistory {
  readonly old: ReadonlySet<string>;
  /** Those whose history is so short that all its days are compared. */
  readonly young: ReadonlySet<string>;
}

/** The agents whose history is long enough to tell. */
function byHistory(days: ByAgent, comparison: Comparison): ByHistory {
  const old = new Set<string>();
  const young = new Set<string>();
  for (const [agent, totals] of days) {
    const unusual = unusualIn(comparison, { days: totals, hours: NONE });
    if (unusual) (unusual.days < WEEKDAY_DAYS ? young : old).add(agent);
  }
  return { old, young };
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
