import { randomBytes } from 'node:crypto';
import { type Amounts, NOTHING } from '../model/amounts.js';
import type { Call } from '../model/call.js';
import type { FailureReason } from '../model/decision.js';
import type { Settlement, SettlementOutcome } from '../model/settlement.js';
import { domainOf } from '../policy/match.js';
import type { Policy } from '../policy/policy.js';
import type { TokensSeen } from '../pricing/seen.js';
import { monotonicMs } from '../redis/deadline.js';
import type { Failure } from '../store/answer.js';
import {
  answeredBy,
  factsSettled,
  formatFacts,
  parseShortFacts,
  type ShortFacts,
} from '../store/facts.js';
import { type CallName, recordKey } from '../store/keys.js';
import type { Question } from '../store/question.js';
import type { Settled, Used } from '../store/settlement.js';
import type { Store } from '../store/store.js';
import type { Admissions } from './admissions.js';
import type { Journal } from './journal.js';
import type { ObserveLife } from './observe-life.js';
import type { Refusal } from './refusal.js';
import { type Reported, reportedBy, usedBy } from './usage.js';

/** A claim, or a record, may meet a call that has come to be known: it is settled then. */
const MAX_ROUNDS = 3;

/**
 * A settlement whose first telling may have run is not taken for a new one after this long: its record
 * may be gone. A minute less than lua/include/record.lua keeps that of a call that is over.
 */
const RECORD_LIVES_MS = 540_000;

/** What a call in full takes in the journal, in windows: its texts and labels. */
const CALL_WEIGHT = 8;

/** What settling needs. */
export interface SettleParts {
  readonly policy: () => Policy;
  readonly store: Store;
  readonly journal: Journal;
  readonly admissions: Admissions;
  readonly seen: TokensSeen;
}

type Prepare = (call: Call) => { question: Question } | Refusal;

/** One settlement, until Redis has been told of it. */
interface Telling {
  readonly name: CallName;
  /** The same in every telling, so that Redis knows it again. */
  readonly settler: string;
  readonly settlement: Settlement;
  readonly reported: Reported;
  /** The call in full, to be claimed if nobody knows it. */
  readonly claim: Question | undefined;
  readonly sinceMs: number;
  /** An earlier telling may have run: only its reply is missing. */
  mayHaveRun: boolean;
}

/**
 * Settles calls: what a call has really used takes the place of what it held. Where Redis gives no
 * answer the settlement waits in the journal; telling it twice is harmless.
 */
export function createSettler(
  { policy, store, journal, admissions, seen }: SettleParts,
  prepare: Prepare,
  observe: ObserveLife,
) {
  const sidecar = randomBytes(6).toString('base64url');
  let settlements = 0;

  function begin(settlement: Settlement): Telling | Refusal {
    const { callId, identity, call } = settlement;
    const claim = call && prepare(call);
    if (claim && 'refused' in claim) return claim;
    settlements += 1;
    return {
      name: { domain: domainOf(policy(), identity), agent: identity.agent, callId },
      settler: claim?.question.attempt ?? `${sidecar}.s${settlements}`,
      // What is read already need not wait with it.
      settlement: { ...settlement, usageJson: '', call: undefined },
      reported: reportedBy(settlement),
      claim: claim?.question,
      sinceMs: monotonicMs(),
      mayHaveRun: false,
    };
  }

  /** What the call has used, with what Redis knows of it where its model or its tokens are missing. */
  async function price(
    { name, reported, claim }: Telling,
    deadlineMs: number,
  ): Promise<Used | Failure> {
    const { prices } = policy();
    const used = usedBy(reported, undefined, prices, Date.now());
    if (used) return used;
    const recalled = await store.recall(name, deadlineMs);
    if ('failed' in recalled) return recalled;
    // What nobody knows, and is not said, is as it would have been estimated.
    const known =
      recalled.state === 'unheld' && claim ? { ...claim, held: claim.amounts } : recalled;
    return usedBy(reported, known, prices, Date.now()) ?? AS_HELD;
  }

  /** Makes a call known that nobody knows: charged in full if it is there in full, else recorded. */
  async function adopt(telling: Telling, used: Used, deadlineMs: number): Promise<Failure | true> {
    const { name, settler, settlement, claim, sinceMs, mayHaveRun } = telling;
    const settledBefore = mayHaveRun && monotonicMs() - sinceMs > RECORD_LIVES_MS;
    if (claim && !settledBefore) {
      const amounts = fillIn(used, claim.amounts);
      const facts = answeredBy(claim.facts, settlement);
      const question: Question = { ...claim, facts, mode: 'claim', amounts };
      const answer = await store.ask('authorize', question, deadlineMs);
      return 'failed' in answer ? answer : true;
    }
    const said = { ...settlement, line: formatFacts(factsSettled(settlement)) };
    const recorded = await store.recordUnheld(name, settler, used, said, deadlineMs);
    return 'failed' in recorded ? recorded : true;
  }

  /** Tells Redis, in as many round trips as it takes; each may be repeated. */
  async function tell(telling: Telling, deadlineMs: number): Promise<SettlementOutcome | Failure> {
    const { name, settler, settlement } = telling;
    const used = await price(telling, deadlineMs);
    if ('failed' in used) return used;
    for (let round = 1; ; round += 1) {
      const settled = await store.settle(name, settler, used, settlement, deadlineMs);
      if ('failed' in settled) return settled;
      if (settled.settledAtUs > 0 || round === MAX_ROUNDS) return done(telling, used, settled);
      const adopted = await adopt(telling, used, deadlineMs);
      if (adopted === true) continue;
      // Full, Redis takes no new records; that the call was made is in log and metric all the same.
      if (adopted.failed === 'oom' && !telling.claim) return done(telling, used, settled);
      return adopted;
    }
  }

  /** Redis has been told. */
  function done(telling: Telling, used: Used, settled: Settled): SettlementOutcome {
    const { settlement, reported } = telling;
    const { callId, identity } = settlement;
    const outcome = outcomeOf(callId, settled, reported.problem);
    const { tokensOut } = used;
    // Only what was authorized: nobody's estimates rest on calls that were never made.
    if (outcome.state === 'settled' && !outcome.repeat && settled.model !== '') {
      if (tokensOut !== undefined) seen.observe(identity.agent, settled.model, tokensOut);
    }
    observe.settled(settlement, outcome, factsOf(telling, settled), settled.grown);
    return outcome;
  }

  /** Keeps it until Redis is back. */
  function keep(telling: Telling, pending: FailureReason): SettlementOutcome | Refusal {
    const { name, settlement, claim } = telling;
    const kept = journal.add('settlement', {
      id: `settle ${recordKey(name)}`,
      domain: name.domain,
      weight: claim ? CALL_WEIGHT : 1,
      async tell(deadlineMs) {
        if (admissions.has(name)) return 'unavailable';
        const outcome = await tell(telling, deadlineMs);
        if (!('failed' in outcome)) return undefined;
        telling.mayHaveRun ||= outcome.mayHaveRun;
        return outcome.failed;
      },
    });
    if (!kept) return { refused: 'full' };
    observe.pending(settlement, pending);
    return { ...PENDING, callId: name.callId, pending };
  }

  return async function settle(
    settlement: Settlement,
    deadlineMs: number,
  ): Promise<SettlementOutcome | Refusal> {
    const telling = begin(settlement);
    if ('refused' in telling) return telling;
    // Redis must know the admission first, or it would take the call for one that nobody asked about.
    if (admissions.has(telling.name)) return keep(telling, 'unavailable');
    const outcome = await tell(telling, deadlineMs);
    if (!('failed' in outcome)) return outcome;
    telling.mayHaveRun = outcome.mayHaveRun;
    return keep(telling, outcome.failed);
  };
}

const AS_HELD: Used = {
  costNano: undefined,
  costSource: 'held',
  tokensIn: undefined,
  tokensOut: undefined,
};

const PENDING = {
  state: 'held',
  settled: NOTHING,
  held: NOTHING,
  overageNano: 0,
  overageTokens: 0,
  settledAtUs: 0,
  repeat: false,
  late: false,
  usageProblem: '',
} as const;

/** What was used, and where that is not said, what would have been held. */
function fillIn(used: Used, estimate: Amounts): Amounts {
  const { costNano, costSource, tokensIn, tokensOut } = used;
  return {
    costNano: costNano ?? estimate.costNano,
    costSource: costNano === undefined ? estimate.costSource : costSource,
    tokensIn: tokensIn ?? estimate.tokensIn,
    tokensOut: tokensOut ?? estimate.tokensOut,
  };
}

/**
 * The call that was settled, as the ledger has it: by its record, or the claim, or what its settlement says.
 * A record forgets once it is over; so where a reply was lost and Redis is told again, no tool is known.
 */
function factsOf({ settlement, claim }: Telling, settled: Settled): ShortFacts {
  const line = settled.facts || claim?.facts;
  const facts = line
    ? parseShortFacts(line)
    : { ...factsSettled(settlement), model: settled.model };
  return { ...facts, model: settlement.model || facts.model };
}

function outcomeOf(callId: string, settled: Settled, usageProblem: string): SettlementOutcome {
  const { state, held, returned, settledAtUs, nowUs, repeat, late } = settled;
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
    settledAtUs: settledAtUs || nowUs,
    repeat,
    late,
    usageProblem,
    pending: undefined,
  };
}
