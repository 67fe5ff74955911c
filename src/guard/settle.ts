import type { Amounts } from '../model/amounts.js';
import type { Call } from '../model/call.js';
import type { FailureReason } from '../model/decision.js';
import type { Settlement, SettlementOutcome } from '../model/settlement.js';
import { domainOf } from '../policy/match.js';
import type { Policy } from '../policy/policy.js';
import type { TokensSeen } from '../pricing/seen.js';
import type { Failure } from '../store/answer.js';
import { type CallName, recordKey } from '../store/keys.js';
import type { Question } from '../store/question.js';
import type { Settled, Used } from '../store/settlement.js';
import type { Store } from '../store/store.js';
import type { Admissions } from './admissions.js';
import type { Journal } from './journal.js';
import type { ObserveLife } from './observe-life.js';
import type { Refusal } from './refusal.js';
import { type Reported, reportedBy, usedBy } from './usage.js';

const NOTHING: Amounts = { costNano: 0, costSource: 'none', tokensIn: 0, tokensOut: 0 };

/** What settling needs. */
export interface SettleParts {
  readonly policy: () => Policy;
  readonly store: Store;
  readonly journal: Journal;
  readonly admissions: Admissions;
  readonly seen: TokensSeen;
}

type Prepare = (call: Call) => { question: Question } | Refusal;

/**
 * Settles calls: what a call has really used takes the place of what it held. Where Redis gives no
 * answer the settlement waits in the journal; telling it twice is harmless.
 */
export function createSettler(
  { policy, store, journal, admissions, seen }: SettleParts,
  prepare: Prepare,
  observe: ObserveLife,
) {
  /** What the call has used, with what Redis knows of it where its model or its tokens are missing. */
  async function price(
    reported: Reported,
    name: CallName,
    deadlineMs: number,
  ): Promise<Used | Failure> {
    const { prices } = policy();
    const known = usedBy(reported, undefined, prices, Date.now());
    if (known) return known;
    const recalled = await store.recall(name, deadlineMs);
    if ('failed' in recalled) return recalled;
    return usedBy(reported, recalled, prices, Date.now()) ?? AS_HELD;
  }

  /**
   * Charges a call in full that was settled and that nobody knows a hold of.
   * @returns true if it is charged; false if it was an authorized call after all
   */
  async function claim(
    { question }: { question: Question },
    deadlineMs: number,
  ): Promise<boolean | Failure> {
    const answer = await store.ask('authorize', { ...question, mode: 'claim' }, deadlineMs);
    if ('failed' in answer) return answer;
    return answer.code === 'allowed' || answer.code === 'repeated';
  }

  /** Tells Redis, in one to three round trips, each of which may be repeated. */
  async function tell(
    settlement: Settlement,
    name: CallName,
    deadlineMs: number,
  ): Promise<SettlementOutcome | Failure> {
    const reported = reportedBy(settlement);
    const used = await price(reported, name, deadlineMs);
    if ('failed' in used) return used;
    const settled = await store.settle(name, used, deadlineMs);
    if ('failed' in settled) return settled;
    let { state } = settled;
    if (state === 'unheld' && settlement.call) {
      const prepared = prepare(settlement.call);
      const claimed = 'refused' in prepared ? false : await claim(prepared, deadlineMs);
      if (typeof claimed !== 'boolean') return claimed;
      if (claimed) state = 'unauthorized';
    }
    const outcome = outcomeOf(name.callId, { ...settled, state }, reported.problem);
    if (!outcome.repeat && used.tokensOut !== undefined && reported.model !== '') {
      seen.observe(name.agent, reported.model, used.tokensOut);
    }
    observe.settled(settlement, outcome, settled.grown);
    return outcome;
  }

  function keep(settlement: Settlement, name: CallName, pending: FailureReason): SettlementOutcome {
    journal.add('settlement', {
      id: `settle ${recordKey(name)}`,
      domain: name.domain,
      weight: 1,
      async tell(deadlineMs) {
        const outcome = await tell(settlement, name, deadlineMs);
        return 'failed' in outcome ? outcome.failed : undefined;
      },
    });
    const outcome: SettlementOutcome = {
      callId: name.callId,
      state: 'held',
      settled: NOTHING,
      held: NOTHING,
      overageNano: 0,
      overageTokens: 0,
      settledAtUs: 0,
      repeat: false,
      late: false,
      usageProblem: '',
      pending,
    };
    observe.settled(settlement, outcome, []);
    return outcome;
  }

  return async function settle(
    settlement: Settlement,
    deadlineMs: number,
  ): Promise<SettlementOutcome | Refusal> {
    const { callId, identity, call } = settlement;
    // A settlement must not be lost for a token that is refused; but its sender must learn of it.
    const prepared = call ? prepare(call) : undefined;
    if (prepared && 'refused' in prepared) return prepared;
    const name = { domain: domainOf(policy(), identity), agent: identity.agent, callId };
    // Redis must know the admission first, or it would take the call for one that nobody asked about.
    if (admissions.has(name)) return keep(settlement, name, 'unavailable');
    const outcome = await tell(settlement, name, deadlineMs);
    return 'failed' in outcome ? keep(settlement, name, outcome.failed) : outcome;
  };
}

const AS_HELD: Used = {
  costNano: undefined,
  costSource: 'held',
  tokensIn: undefined,
  tokensOut: undefined,
};

function outcomeOf(callId: string, settled: Settled, usageProblem: string): SettlementOutcome {
  const { state, held, returned, settledAtUs, repeat, late } = settled;
  // What was released before, or was never held, is all over what it held.
  const before = returned ? NOTHING : held;
  const used = settled.settled;
  const tokens = (amounts: Amounts) => amounts.tokensIn + amounts.tokensOut;
  return {
    callId,
    state,
    settled: used,
    held,
    overageNano: Math.max(0, used.costNano - before.costNano),
    overageTokens: Math.max(0, tokens(used) - tokens(before)),
    settledAtUs,
    repeat,
    late,
    usageProblem,
    pending: undefined,
  };
}
