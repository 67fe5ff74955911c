import { NOTHING } from '../model/amounts.js';
import type { ReleaseOrder, ReleaseOutcome } from '../model/settlement.js';
import { domainOf } from '../policy/match.js';
import { recordKey } from '../store/keys.js';
import type { ObserveLife } from './observe-life.js';
import type { Refusal } from './refusal.js';
import type { SettleParts } from './settle.js';

/** Releases calls that were never sent. Where Redis gives no answer the release waits in the journal. */
export function createReleaser(
  { policy, store, journal, admissions }: SettleParts,
  observe: ObserveLife,
) {
  return async function release(
    order: ReleaseOrder,
    deadlineMs: number,
  ): Promise<ReleaseOutcome | Refusal> {
    const { callId, identity } = order;
    const name = { domain: domainOf(policy(), identity), agent: identity.agent, callId };
    const tell = async (untilMs: number) => {
      const released = await store.release(name, untilMs);
      if ('failed' in released) return released;
      const outcome: ReleaseOutcome = { callId, ...released, pending: undefined };
      observe.released(order, outcome);
      return outcome;
    };
    // Redis must know the admission first, or there is nothing to give back.
    const outcome = admissions.has(name)
      ? ({ failed: 'unavailable' } as const)
      : await tell(deadlineMs);
    if (!('failed' in outcome)) return outcome;
    const added = journal.add('settlement', {
      id: `release ${recordKey(name)}`,
      domain: name.domain,
      weight: 1,
      async tell(untilMs) {
        if (admissions.has(name)) return 'unavailable';
        const told = await tell(untilMs);
        return 'failed' in told ? told.failed : undefined;
      },
    });
    if (!added) return { refused: 'full' };
    const kept: ReleaseOutcome = {
      callId,
      state: 'held',
      released: NOTHING,
      repeat: false,
      pending: outcome.failed,
    };
    observe.released(order, kept);
    return kept;
  };
}
