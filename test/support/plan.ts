import assert from 'node:assert/strict';
import { eightWeeks } from '../../src/demo/eight-weeks.js';
import { FLEET } from '../../src/demo/fleet.js';
import type { AgentPlan, Plan, PlannedEvent } from '../../src/demo/plan.js';
import { dayStartsMs } from '../../src/policy/days.js';

/** One agent of the demo's fleet for some days, with what is planted. */
export function planOf(
  agent: string,
  days: number,
  events: (dayStart: (day: number) => number) => PlannedEvent[],
  more: Partial<AgentPlan> = {},
): Plan {
  const demo = eightWeeks(Date.parse('2026-11-02T12:00Z'));
  const starts = dayStartsMs(demo.timezone, demo.fromMs, demo.toMs);
  const known = FLEET.find((one) => one.agent === agent);
  assert.ok(known, agent);
  const [policy] = demo.policies;
  assert.ok(policy);
  return {
    timezone: demo.timezone,
    fromMs: demo.fromMs,
    toMs: starts[days] ?? demo.toMs,
    agents: [{ ...known, ...more }],
    events: events((day) => starts[day] ?? demo.toMs),
    policies: [{ ...policy, fromMs: demo.fromMs }],
  };
}
