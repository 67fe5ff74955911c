import { NOT_SET_OFF } from '../model/entry.js';
import type { Happening } from './draft.js';
import type { Plan, PlannedEvent } from './plan.js';

/** When, on its day, a person notes what a promotion is about: in the morning. */
const NOTED_MS = 8 * 3_600_000;

/** What a plan says besides the calls: policies, and what people did. */
export function happeningsOf(plan: Plan): Happening[] {
  const policies = plan.policies.map(({ fromMs, policy: { hash } }) => {
    const draft = { kind: 'policy', hash, from: 'policy.yaml', by: 'gateway-0' } as const;
    return { atMs: Math.max(fromMs, plan.fromMs), happen: () => [draft] };
  });
  const events = plan.events.flatMap((event) => eventHappenings(event));
  return [...policies, ...events].filter(({ atMs }) => atMs < plan.toMs);
}

function eventHappenings(event: PlannedEvent): Happening[] {
  const { agent } = event;
  switch (event.kind) {
    case 'promotion': {
      const { note: text, by, fromMs, toMs } = event;
      if (text === '') return [];
      const draft = { kind: 'annotation', agent, text, by, fromMs, toMs } as const;
      return [{ atMs: fromMs + NOTED_MS, happen: () => [draft] }];
    }
    case 'loop': {
      const { by, why, haltedMs, resumedMs } = event;
      const about = { agent, rule: '', by, why, untilUs: 0, ...NOT_SET_OFF };
      const halted = { kind: 'halted', ...about } as const;
      const resumed = { kind: 'resumed', agent, by } as const;
      return [
        { atMs: haltedMs, happen: () => [halted] },
        { atMs: resumedMs, happen: () => [resumed] },
      ];
    }
    case 'grant': {
      const { rule, addNano: add, by, why, fromMs, toMs } = event;
      const untilUs = toMs * 1000;
      const draft = { kind: 'granted', agent, rule, add, by, why, untilUs } as const;
      return [{ atMs: fromMs, happen: () => [draft] }];
    }
    case 'switch':
    case 'prompts':
    case 'growth':
      return [];
  }
}

/** Is the agent halted at this moment? */
export function isHalted({ events }: Plan, agent: string, atMs: number): boolean {
  return events.some(
    (event) =>
      event.kind === 'loop' &&
      event.agent === agent &&
      event.haltedMs <= atMs &&
      atMs < event.resumedMs,
  );
}
