import { DateTime } from 'luxon';
import { type AgentPlan, eventsOf, type Plan } from './plan.js';
import { randomOf } from './random.js';
import { activity } from './rhythm.js';

const WEEK_MS = 604_800_000;

/** Where an hour stands in its week, by the clocks of a timezone. */
export interface LocalHour {
  readonly startMs: number;
  readonly date: string;
  readonly weekday: number;
  readonly hour: number;
}

export function localHour(timezone: string, startMs: number): LocalHour {
  const local = DateTime.fromMillis(startMs, { zone: timezone });
  const date = `${local.year}-${local.month}-${local.day}`;
  return { startMs, date, weekday: local.weekday, hour: local.hour };
}

/** How many calls are to be expected of an agent in an hour: its rhythm, its day, what is planned. */
export function expectedCalls(seed: number, plan: Plan, agent: AgentPlan, at: LocalHour): number {
  const { startMs, date, weekday, hour } = at;
  let calls = agent.callsPerDay * activity(agent.rhythm, weekday, hour);
  if (calls === 0) return 0;
  calls *= randomOf(seed, agent.agent, 'day', date).factor(agent.noise);
  for (const { fromMs, toMs, times } of eventsOf(plan, agent.agent, 'promotion')) {
    if (startMs >= fromMs && startMs < toMs) calls *= times;
  }
  for (const { fromMs, perWeek } of eventsOf(plan, agent.agent, 'growth')) {
    if (startMs > fromMs) calls *= (1 + perWeek) ** ((startMs - fromMs) / WEEK_MS);
  }
  return calls;
}
