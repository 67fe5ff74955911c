import type { Facts } from '../model/entry.js';
import { type AgentPlan, eventsOf, type Plan } from './plan.js';
import { type Random, randomOf } from './random.js';
import { type Planned, priced, stepAt } from './step.js';
import { expectedCalls, localHour } from './volume.js';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/** What becomes of a call that is admitted. `crashed` is never settled, `late` after its hold ran out. */
export type Fate = 'ok' | 'error' | 'crashed' | 'late' | 'released' | 'unauthorized';

/** As it is in a fleet that works well: one call in a hundred fails, and a few in a thousand are lost. */
const FATES: readonly { readonly fate: Fate; readonly weight: number }[] = [
  { fate: 'ok', weight: 981 },
  { fate: 'error', weight: 10 },
  { fate: 'crashed', weight: 3 },
  { fate: 'late', weight: 1 },
  { fate: 'released', weight: 4 },
  { fate: 'unauthorized', weight: 1 },
];

/** One call as it will be asked for. */
export interface PlannedCall extends Planned {
  readonly atMs: number;
  readonly facts: Facts;
  readonly fate: Fate;
  /** From the question to the settlement. */
  readonly tookMs: number;
}

/** The calls of an agent's tasks that begin in an hour, with those of its sub-agent; in no order. */
export function callsOf(
  seed: number,
  plan: Plan,
  agent: AgentPlan,
  startMs: number,
): PlannedCall[] {
  const expected = expectedCalls(seed, plan, agent, localHour(plan.timezone, startMs));
  if (expected === 0) return [];
  const random = randomOf(seed, agent.agent, startMs);
  const calls: PlannedCall[] = [];
  const subAgent = plan.agents.find((other) => other.agent === agent.subAgent);
  for (let left = random.count(expected / agent.callsPerTask); left > 0; left -= 1) {
    let atMs = startMs + random.below(HOUR_MS);
    const run = `run-${idOf(random)}`;
    const root = callAt(plan, agent, atMs, random, { run });
    calls.push(root);
    for (let below = random.count(agent.callsPerTask - 1); below > 0; below -= 1) {
      atMs += 500 + random.below(20_000);
      const bySub = subAgent !== undefined && random.next() < 0.5;
      const above = { run, parentCallId: root.facts.callId, rootAgent: agent.agent };
      calls.push(callAt(plan, bySub ? subAgent : agent, atMs, random, { ...above, depth: 1 }));
    }
  }
  return calls;
}

/** How long a loop goes on after its agent was halted: until its pod is gone. */
const LOOP_ENDS_MS = 4 * MINUTE_MS;

/** The calls of an agent's loops that fall in an hour: the same one each time, in one run. */
export function loopCalls(
  seed: number,
  plan: Plan,
  agent: AgentPlan,
  startMs: number,
): PlannedCall[] {
  const calls: PlannedCall[] = [];
  for (const loop of eventsOf(plan, agent.agent, 'loop')) {
    const random = randomOf(seed, agent.agent, 'loop', loop.fromMs);
    const [run, fingerprint] = [`run-${idOf(random)}`, idOf(random)];
    const [step] = agent.steps;
    if (!step) continue;
    const everyMs = MINUTE_MS / loop.callsPerMinute;
    const fromMs = Math.max(loop.fromMs, startMs);
    const toMs = Math.min(loop.haltedMs + LOOP_ENDS_MS, startMs + HOUR_MS);
    const hour = randomOf(seed, agent.agent, 'loop', startMs);
    for (let ms = fromMs; ms < toMs; ms += everyMs) {
      const atMs = Math.floor(ms + hour.next() * everyMs * 0.5);
      const planned = priced(plan, step, atMs, hour);
      const facts = factsOf(agent, planned, atMs, hour, { run, fingerprint });
      calls.push({ ...planned, atMs, facts, fate: 'ok', tookMs: 400 + hour.below(900) });
    }
  }
  return calls;
}

type Lineage = Partial<Pick<Facts, 'parentCallId' | 'rootAgent' | 'depth' | 'fingerprint'>> &
  Pick<Facts, 'run'>;

function callAt(
  plan: Plan,
  agent: AgentPlan,
  atMs: number,
  random: Random,
  lineage: Lineage,
): PlannedCall {
  const planned = priced(plan, stepAt(plan, agent, atMs, random), atMs, random);
  const facts = factsOf(agent, planned, atMs, random, lineage);
  const { fate } = random.weighed(FATES);
  return { ...planned, atMs, facts, fate, tookMs: Math.round(2_500 * random.factor(0.7)) };
}

function factsOf(
  agent: AgentPlan,
  { step }: Planned,
  atMs: number,
  random: Random,
  lineage: Lineage,
): Facts {
  return {
    callId: idOf(random),
    agent: agent.agent,
    team: agent.team,
    costCentre: agent.costCentre,
    instance: `${agent.agent}-${random.below(agent.instances)}`,
    tool: step.tool,
    model: step.model,
    provider: step.provider,
    operation: step.operation,
    parentCallId: '',
    rootAgent: agent.agent,
    depth: 0,
    fingerprint: '',
    timestampMs: atMs - random.below(5),
    labels: agent.labels,
    ...lineage,
  };
}

/** 60 bits: no two of a history are the same. */
function idOf(random: Random): string {
  const part = () =>
    random
      .below(2 ** 30)
      .toString(36)
      .padStart(6, '0');
  return part() + part();
}
