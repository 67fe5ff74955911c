import type { Case } from '../guard/case.js';
import { decisionFrom, haltedDecision } from '../guard/decision.js';
import { questionFor } from '../guard/question.js';
import type { Amounts } from '../model/amounts.js';
import type { Call } from '../model/call.js';
import { denierOf, STAND_INS } from '../model/denier.js';
import { matchRules } from '../policy/match.js';
import type { Policy } from '../policy/policy.js';
import { monotonicMs } from '../redis/deadline.js';
import type { Answer } from '../store/answer.js';
import { parseHalt } from '../store/halt.js';
import type { Question } from '../store/question.js';
import type { Store } from '../store/store.js';

/**
 * Nobody waits for a simulation, but the store wants a deadline, and a script is told it on the simulated
 * clock: a gap of so many days in the traffic costs a second round trip. A timer of Node holds 24 days.
 */
const PATIENCE_MS = 20 * 86_400_000;

export function noHurry(): number {
  return monotonicMs() + PATIENCE_MS;
}

/** What a simulation has of one call that was asked. */
export interface Asked {
  readonly question: Question;
  readonly answer: Answer;
  /** Why it is denied; undefined if it is admitted. */
  readonly denied: { readonly rule: string; readonly reason: string } | undefined;
}

/** Everything is in one domain: calls of several domains of the policy share no window anyhow. */
export const SIMULATED_DOMAIN = 'simulated';

/** Asks about one call as a sidecar with this policy would have, at the moment of the simulated clock. */
export async function askPast(
  store: Store,
  policy: Policy,
  call: Call,
  estimate: { readonly amounts: Amounts; readonly unpriced: boolean },
  how: Pick<Question, 'mode' | 'final'>,
  atUs: number,
): Promise<Asked> {
  const matched = matchRules(policy, call);
  const asked: Case = { policy, call, matched, ...estimate, lineage: '' };
  const normal = questionFor(asked, attemptOf(call.callId), atUs);
  const question: Question = {
    ...normal,
    domain: SIMULATED_DOMAIN,
    mode: how.mode === 'decide' ? normal.mode : how.mode,
    final: how.final,
  };
  const answer = await store.ask('authorize', question, noHurry());
  if ('failed' in answer) throw new Error(`the simulated Redis has failed: ${answer.failed}`);
  return { question, answer, denied: denialOf(asked, answer) };
}

/** The one attempt at a call, by which it is taken back too. */
export function attemptOf(callId: string): string {
  return `once.${callId}`;
}

function denialOf(asked: Case, answer: Answer): Asked['denied'] {
  const { call } = asked;
  if (answer.halt) {
    const how = { decidedAtUs: answer.nowUs, degraded: undefined };
    const { reason } = haltedDecision(asked, parseHalt(call.agent, answer.halt), how);
    return { rule: STAND_INS.halt, reason };
  }
  if (answer.code === 'allowed' || answer.code === 'repeated') return undefined;
  if (answer.code !== 'denied') {
    return { rule: STAND_INS.none, reason: `the id of the call is ${answer.code}` };
  }
  const decision = decisionFrom(asked, answer, true);
  return { rule: denierOf(decision).rule, reason: decision.reason };
}
