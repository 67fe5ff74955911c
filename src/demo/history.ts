import { STAND_INS } from '../model/denier.js';
import type { Entry } from '../model/entry.js';
import { createQueue } from '../model/queue.js';
import { hourStartsMs } from '../policy/days.js';
import { createBudgets } from './budget.js';
import { callsOf, loopCalls, type PlannedCall } from './call.js';
import { createDenials } from './denials.js';
import type { Draft, Happening } from './draft.js';
import { happeningsOf, isHalted } from './happenings.js';
import { type Plan, policyAt } from './plan.js';

/** How long after its hold has run out a late call is settled. */
const LATE_MS = 120_000;

/** How long after it was admitted a call is released that was not sent. */
const RELEASED_MS = 40;

/**
 * The ledger of a fleet, ascending, as sidecars and keeper would have written it: budgets deny, holds run
 * out, denials are summed by the second. The same seed and plan give the same entries. What would end after
 * the plan does not begin, so that no hold is open.
 */
export function* historyOf(seed: number, plan: Plan): Generator<Entry> {
  const queue = createQueue<Happening>(({ atMs }) => atMs);
  const asked = askerOf(plan, (happening) => queue.add(happening));
  for (const happening of happeningsOf(plan)) queue.add(happening);
  const idAt = ids();
  const starts = hourStartsMs(plan.timezone, plan.fromMs, plan.toMs);
  for (const [i, startMs] of starts.entries()) {
    for (const agent of plan.agents) {
      const calls = callsOf(seed, plan, agent, startMs);
      for (const call of [...calls, ...loopCalls(seed, plan, agent, startMs)]) {
        if (endsMs(plan, call) < plan.toMs)
          queue.add({ atMs: call.atMs, happen: () => asked(call) });
      }
    }
    const endMs = starts[i + 1] ?? plan.toMs;
    for (let next = queue.takeBefore(endMs); next; next = queue.takeBefore(endMs)) {
      const { atMs } = next;
      for (const draft of next.happen()) yield { ...draft, id: idAt(atMs), atMs };
    }
  }
}

/** Ids as a stream gives them out: the sequence begins anew with each millisecond. */
function ids(): (atMs: number) => string {
  let lastMs = 0;
  let sequence = 0;
  return (atMs) => {
    sequence = atMs === lastMs ? sequence + 1 : 0;
    lastMs = atMs;
    return `${atMs}-${sequence}`;
  };
}

/** By when all that comes of a call is written. */
function endsMs(plan: Plan, { atMs, fate, tookMs }: PlannedCall): number {
  const holdMs = policyAt(plan, atMs).policy.holdForUs / 1000;
  return atMs + (fate === 'crashed' || fate === 'late' ? holdMs + LATE_MS : tookMs) + 1_000;
}

/** Answers calls as the sidecars would, and adds what follows from them. */
function askerOf(plan: Plan, add: (happening: Happening) => void): (call: PlannedCall) => Draft[] {
  const budgets = createBudgets(plan);
  const denials = createDenials();

  return (call) => {
    const { atMs, facts, held, used, fate, tookMs } = call;
    const { agent } = facts;
    if (fate === 'unauthorized') {
      add({ atMs: atMs + tookMs, happen: () => [settled(call, { state: 'unauthorized' })] });
      return [];
    }
    const taken = isHalted(plan, agent, atMs)
      ? { rule: STAND_INS.halt, partition: '', used: 0, limit: 0, retryAtUs: 0, raised: [] }
      : budgets.take(facts, held.costNano, atMs);
    if ('rule' in taken) {
      const due = denials.add(call, taken);
      if (due) add({ atMs: due.dueMs, happen: () => denials.flush(due.key) });
      return [...taken.raised];
    }
    // A tool with a price of its own is charged and settled at once.
    if (facts.model === '') return [settled(call, { final: true }), ...taken];

    const endMs = atMs + policyAt(plan, atMs).policy.holdForUs / 1000;
    const giveBack = (nano: number, thenMs: number) => budgets.giveBack(agent, nano, atMs, thenMs);
    if (fate === 'released') {
      const thenMs = atMs + RELEASED_MS;
      add({
        atMs: thenMs,
        happen: () => {
          giveBack(held.costNano, thenMs);
          return [{ kind: 'released', facts, held, ranOut: false, final: false }];
        },
      });
    } else {
      const ranOut = fate === 'crashed' || fate === 'late';
      if (ranOut) {
        const draft = { kind: 'ran_out', facts, held, ranOut: false, final: false } as const;
        add({ atMs: endMs, happen: () => [draft] });
      }
      const thenMs = ranOut ? endMs + LATE_MS - 1_000 : atMs + tookMs;
      if (fate !== 'crashed') {
        add({
          atMs: thenMs,
          happen: () => {
            giveBack(held.costNano - used.costNano, thenMs);
            return [settled(call, { late: ranOut, ranOut })];
          },
        });
      }
    }
    const holdUntilUs = endMs * 1000;
    return [{ kind: 'authorized', facts, held, holdUntilUs, forced: false }, ...taken];
  };
}

type Settled = Extract<Draft, { kind: 'settled' }>;

function settled(call: PlannedCall, marks: Partial<Settled>): Settled {
  const outcome = call.fate === 'error' ? 'error' : 'ok';
  const { facts, held, used } = call;
  const plain = {
    state: 'settled',
    final: false,
    late: false,
    returned: false,
    ranOut: false,
  } as const;
  // Of a call that nobody authorized, nothing was held.
  const none = { costNano: 0, costSource: 'none', tokensIn: 0, tokensOut: 0 } as const;
  const holds = marks.state === 'unauthorized' ? none : held;
  return { kind: 'settled', facts, ...plain, outcome, held: holds, settled: used, ...marks };
}
