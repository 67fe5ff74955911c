import type { Policy } from '../policy/policy.js';
import type { Rhythm } from './rhythm.js';

/** One kind of call that an agent makes. */
export interface Step {
  readonly tool: string;
  /** '' for a tool that has a price of its own. */
  readonly model: string;
  readonly provider: string;
  readonly operation: string;
  /** What a call has on average; they vary. */
  readonly tokensIn: number;
  readonly tokensOut: number;
  /** How often, beside the other steps. */
  readonly weight: number;
}

/** One agent, on a day like any other. */
export interface AgentPlan {
  readonly agent: string;
  readonly team: string;
  readonly costCentre: string;
  /** How many pods run it. */
  readonly instances: number;
  readonly rhythm: Rhythm;
  readonly callsPerDay: number;
  /** A task is one run: a first call, and those below it. */
  readonly callsPerTask: number;
  /** How far days are from each other: 0.15 is moderate. */
  readonly noise: number;
  readonly steps: readonly Step[];
  readonly labels: Readonly<Record<string, string>>;
  /** The agent that makes some of the calls below the first; '' for none. */
  readonly subAgent: string;
}

interface OfAgent {
  readonly agent: string;
}

/** So many times the calls, for a time. */
export interface Promotion extends OfAgent {
  readonly kind: 'promotion';
  readonly fromMs: number;
  readonly toMs: number;
  readonly times: number;
  /** What a person notes of it, and when; '' for nothing. */
  readonly note: string;
  readonly by: string;
}

/** From then on a share of the calls goes to another model. */
export interface ModelSwitch extends OfAgent {
  readonly kind: 'switch';
  readonly fromMs: number;
  readonly model: string;
  readonly provider: string;
  readonly share: number;
}

/** From then on every call has so many times the tokens. */
export interface LongerPrompts extends OfAgent {
  readonly kind: 'prompts';
  readonly fromMs: number;
  readonly times: number;
}

/** More calls every week, from then on: 0.1 is 10%. */
export interface PlannedGrowth extends OfAgent {
  readonly kind: 'growth';
  readonly fromMs: number;
  readonly perWeek: number;
}

/** One task that makes the same call again and again, until a person halts the agent and mends it. */
export interface RunawayLoop extends OfAgent {
  readonly kind: 'loop';
  readonly fromMs: number;
  readonly callsPerMinute: number;
  readonly haltedMs: number;
  /** When it is resumed, without the loop. */
  readonly resumedMs: number;
  readonly by: string;
  readonly why: string;
}

/** A person adds to an agent's daily budget. */
export interface PlannedGrant extends OfAgent {
  readonly kind: 'grant';
  readonly fromMs: number;
  readonly toMs: number;
  /** The rule of the daily budget. */
  readonly rule: string;
  readonly addNano: number;
  readonly by: string;
  readonly why: string;
}

export type PlannedEvent =
  | Promotion
  | ModelSwitch
  | LongerPrompts
  | PlannedGrowth
  | RunawayLoop
  | PlannedGrant;

/** A policy and since when it is in force. */
export interface PlannedPolicy {
  readonly fromMs: number;
  readonly policy: Policy;
  readonly text: string;
}

/** What a fleet does in some weeks. */
export interface Plan {
  readonly timezone: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly agents: readonly AgentPlan[];
  readonly events: readonly PlannedEvent[];
  /** Ascending; the first is in force from the beginning. */
  readonly policies: readonly PlannedPolicy[];
}

/** Those events of one agent that are of one kind. */
export function eventsOf<K extends PlannedEvent['kind']>(
  plan: Plan,
  agent: string,
  kind: K,
): Extract<PlannedEvent, { kind: K }>[] {
  return plan.events.filter(
    (event): event is Extract<PlannedEvent, { kind: K }> =>
      event.kind === kind && event.agent === agent,
  );
}

export function policyAt(plan: Plan, atMs: number): PlannedPolicy {
  const found = plan.policies.findLast(({ fromMs }) => fromMs <= atMs) ?? plan.policies[0];
  if (!found) throw new Error('a plan has at least one policy');
  return found;
}
