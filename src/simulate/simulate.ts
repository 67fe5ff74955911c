import type { Amounts } from '../model/amounts.js';
import { STAND_INS } from '../model/denier.js';
import type {
  AuthorizedEntry,
  DeniedEntry,
  EndedEntry,
  Facts,
  SettledEntry,
} from '../model/entry.js';
import { postingOf } from '../model/spend.js';
import type { Policy } from '../policy/policy.js';
import type { SimulatedRedis } from '../redis/simulated.js';
import { formatFacts } from '../store/facts.js';
import { ordersOf } from '../store/orders.js';
import { createStore } from '../store/store.js';
import { createMetrics } from '../telemetry/metrics.js';
import { type Asked, askPast, attemptOf, noHurry, SIMULATED_DOMAIN } from './asked.js';
import { callFrom, estimateAgain, settledAgain } from './call.js';
import { allAsked, type PastEvent, partOf } from './events.js';
import { Outcome } from './outcome.js';

/** Calls between their admission and their end that are remembered: a fleet has far fewer at once. */
const MAX_OPEN = 500_000;

/** The scripts write a ledger of their own, which nobody reads. */
const LEDGER_ENTRIES = 1;

/** A call that was admitted then. */
interface Open {
  /** It is admitted under the policy too. */
  readonly admitted: boolean;
  readonly model: string;
  readonly was: Amounts;
  readonly now: Amounts;
}

/** Past traffic under a policy, through the scripts that decide. */
export interface Simulation {
  readonly outcome: Outcome;
  /** Takes what happened next. @param counted false for traffic that only fills the windows */
  take(event: PastEvent, counted: boolean): Promise<void>;
}

export function createSimulation(redis: SimulatedRedis, policy: Policy): Simulation {
  const store = createStore(redis.connection, createMetrics(), () => LEDGER_ENTRIES);
  const orders = ordersOf(redis.connection, SIMULATED_DOMAIN, LEDGER_ENTRIES);
  const outcome = new Outcome(policy.rules.map(({ id }) => id));
  const open = new Map<string, Open>();
  let clockUs = 0;
  let counts = true;

  const nameOf = ({ agent, callId }: Facts) => ({ domain: SIMULATED_DOMAIN, agent, callId });
  const keyOf = ({ agent, callId }: Facts) => `${agent}\t${callId}`;
  const add: Outcome['add'] = (...what) => counts && outcome.add(...what);

  /** Asks, and notes how full that has made the windows. */
  async function ask(
    facts: Facts,
    amounts: Amounts,
    how: { mode: 'decide' | 'force' | 'claim'; final: boolean; estimatedFinal: boolean },
    callId: string,
  ): Promise<Asked> {
    const call = callFrom(facts, amounts, callId);
    const atMs = Math.floor(clockUs / 1000);
    const estimate = estimateAgain(call, amounts, policy.prices, how.estimatedFinal, atMs);
    const asked = await askPast(store, policy, call, estimate, how, clockUs);
    if (!counts) return asked;
    for (const [i, window] of asked.question.windows.entries()) {
      const { used = 0, granted = 0, shadowDenied } = asked.answer.windows[i] ?? {};
      const { rule, partition, limit } = window;
      outcome.fill(rule, { partition, used, limit: limit + granted, atUs: clockUs });
      if (shadowDenied) outcome.rule(rule).shadowed += 1;
    }
    return asked;
  }

  function deny({ agent }: Facts, asked: Asked, wasAllowed: boolean): void {
    if (!asked.denied || !counts) return;
    const { rule, reason } = asked.denied;
    const denial = { atUs: clockUs, rule, agent, reason };
    outcome.deny(denial, asked.question.amounts.costNano, wasAllowed);
  }

  async function authorized({ facts, held, forced }: AuthorizedEntry): Promise<void> {
    const how = { mode: forced ? 'force' : 'decide', final: false, estimatedFinal: false } as const;
    const asked = await ask(facts, held, how, facts.callId);
    const admitted = !asked.denied;
    const [oldest] = open.keys();
    if (open.size >= MAX_OPEN && oldest !== undefined) open.delete(oldest);
    open.set(keyOf(facts), {
      admitted,
      model: facts.model,
      was: held,
      now: asked.question.amounts,
    });
    add(facts.agent, 'was', { allowed: 1 });
    if (admitted) add(facts.agent, 'would', { allowed: 1 });
    else deny(facts, asked, true);
  }

  /** It was settled in the same step, or nobody had asked: its amounts are asked for and used at once. */
  async function atOnce(entry: SettledEntry): Promise<void> {
    const { facts, settled, state } = entry;
    const mode = state === 'unauthorized' ? 'claim' : 'decide';
    const how = { mode, final: true, estimatedFinal: true } as const;
    const asked = await ask(facts, settled, how, facts.callId);
    const costNano = BigInt(settled.costNano);
    add(facts.agent, 'was', { allowed: 1, costNano });
    if (asked.denied) return deny(facts, asked, true);
    const { amounts } = asked.question;
    add(facts.agent, 'would', { allowed: 1, costNano: BigInt(amounts.costNano) });
  }

  async function settled(entry: SettledEntry): Promise<void> {
    const { facts, state, ranOut } = entry;
    if (entry.final || state === 'unauthorized') return atOnce(entry);
    const known = open.get(keyOf(facts));
    open.delete(keyOf(facts));
    const costNano = postingOf(entry)?.sums.costNano ?? 0n;
    add(facts.agent, 'was', { costNano });
    if (!known) {
      // Admitted before all that is known: under any policy it was made.
      if (counts) outcome.before += 1;
      return add(facts.agent, 'would', { costNano });
    }
    if (!known.admitted) return;
    const used = settledAgain(facts, entry.settled, known, policy.prices, entry.atMs);
    const told = await store.settle(
      nameOf(facts),
      `once.${facts.callId}`,
      used,
      { ...facts, outcome: entry.outcome },
      noHurry(),
    );
    if ('failed' in told) throw new Error(`the simulated Redis has failed: ${told.failed}`);
    if (counts) {
      for (const { rule, partition, usedAfter, limit } of told.grown) {
        outcome.fill(rule, { partition, used: usedAfter, limit, atUs: clockUs });
      }
    }
    const posted = ranOut ? used.costNano - known.now.costNano : used.costNano;
    add(facts.agent, 'would', { costNano: BigInt(posted) });
  }

  /** A call that had been settled as it was authorized was taken back, since nobody was told of it. */
  async function finalTakenBack({ facts, held, atMs }: EndedEntry): Promise<void> {
    const costNano = BigInt(held.costNano);
    add(facts.agent, 'was', { allowed: -1, costNano: -costNano });
    const call = callFrom(facts, held, facts.callId);
    const { amounts } = estimateAgain(call, held, policy.prices, true, atMs);
    if (!(await withdraw(facts))) return;
    add(facts.agent, 'would', { allowed: -1, costNano: -BigInt(amounts.costNano) });
  }

  /** @returns whether the call was admitted, and is not any more */
  async function withdraw(facts: Facts): Promise<boolean> {
    const attempted = {
      ...nameOf(facts),
      attempt: attemptOf(facts.callId),
      facts: formatFacts(facts),
    };
    const told = await store.withdraw(attempted, noHurry());
    if ('failed' in told) throw new Error(`the simulated Redis has failed: ${told.failed}`);
    return told.withdrawn;
  }

  async function ended(entry: EndedEntry): Promise<void> {
    const { kind, facts, ranOut } = entry;
    if (entry.final) return finalTakenBack(entry);
    const known = open.get(keyOf(facts));
    const costNano = postingOf(entry)?.sums.costNano ?? 0n;
    const calls = kind === 'withdrawn' && known ? -1 : 0;
    add(facts.agent, 'was', { costNano, allowed: calls });
    if (!known) return add(facts.agent, 'would', { costNano });
    if (kind === 'withdrawn') open.delete(keyOf(facts));
    if (!known.admitted) return;
    if (kind === 'withdrawn') await withdraw(facts);
    else if (kind === 'released') await store.release(nameOf(facts), noHurry());
    const now = BigInt(known.now.costNano);
    const posted = kind === 'ran_out' ? now : ranOut ? -now : 0n;
    add(facts.agent, 'would', { costNano: posted, allowed: calls });
  }

  async function denied(entry: DeniedEntry, nth: number): Promise<void> {
    const { facts, rule } = entry;
    const amounts = partOf(allAsked(entry), entry.calls, nth);
    const nano = BigInt(amounts.costNano);
    if (counts && rule === STAND_INS.degraded) outcome.withoutRedis += 1;
    else if (counts) {
      const of = outcome.rule(rule);
      of.wasDenied += 1;
      of.wasDeniedNano += nano;
    }
    add(facts.agent, 'was', { denied: 1, deniedNano: nano });
    // Nobody knows what it would have used: what it asked for.
    const how = { mode: 'decide', final: true, estimatedFinal: false } as const;
    const asked = await ask(facts, amounts, how, `denied ${entry.id} ${nth}`);
    if (asked.denied) return deny(facts, asked, false);
    if (counts) outcome.newlyAllowed += 1;
    const costNano = BigInt(asked.question.amounts.costNano);
    add(facts.agent, 'would', { allowed: 1, costNano });
  }

  /** What people ordered holds under any policy; halts of rules are the policy's own. */
  async function order({ entry, atUs }: PastEvent): Promise<void> {
    const forUs = (untilUs: number) => Math.max(1, untilUs - atUs);
    if (entry.kind === 'halted' && entry.rule === '') {
      const { agent, by, why, untilUs } = entry;
      await orders.halt(agent, by, why, untilUs === 0 ? 0 : forUs(untilUs));
    } else if (entry.kind === 'resumed') {
      await orders.resume(entry.agent, entry.by);
    } else if (entry.kind === 'granted') {
      const { agent, rule, add: more, by, why, untilUs } = entry;
      if (!policy.rules.some(({ id }) => id === rule)) outcome.lostGrants += 1;
      else await orders.grant({ agent, rule, add: more, by, why }, forUs(untilUs));
    }
  }

  return {
    outcome,
    async take(event, counted) {
      const { entry, atUs, nth } = event;
      counts = counted;
      if (atUs > clockUs) {
        clockUs = atUs;
        await redis.clock.set(atUs);
      }
      if (entry.kind === 'authorized') await authorized(entry);
      else if (entry.kind === 'settled') await settled(entry);
      else if (entry.kind === 'denied') await denied(entry, nth);
      else if (entry.kind === 'ran_out') await ended(entry);
      else if (entry.kind === 'released' || entry.kind === 'withdrawn') await ended(entry);
      else await order(event);
    },
  };
}
