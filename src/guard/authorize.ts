import { randomBytes, randomUUID } from 'node:crypto';
import type { Call } from '../model/call.js';
import type { Decision, FailureReason } from '../model/decision.js';
import { matchRules } from '../policy/match.js';
import type { Policy } from '../policy/policy.js';
import { estimateFor } from '../pricing/estimate.js';
import type { TokensSeen } from '../pricing/seen.js';
import { monotonicMs } from '../redis/deadline.js';
import type { Answer, Failure } from '../store/answer.js';
import { parseHalt } from '../store/halt.js';
import type { Question } from '../store/question.js';
import type { Store } from '../store/store.js';
import type { Admissions } from './admissions.js';
import type { Case } from './case.js';
import { allowedAgain, decisionFrom, degradedDecision, haltedDecision } from './decision.js';
import { Halts } from './halts.js';
import type { Journal } from './journal.js';
import type { Lineage } from './lineage.js';
import type { Observe } from './observe.js';
import { questionFor } from './question.js';
import type { Refusal } from './refusal.js';

/** What authorizing needs. */
export interface AuthorizeParts {
  readonly policy: () => Policy;
  readonly lineage: Lineage;
  readonly store: Store;
  readonly journal: Journal;
  readonly admissions: Admissions;
  readonly seen: TokensSeen;
  readonly observe: Observe;
}

/** Decides calls. Deadlines are moments of the monotonic clock. */
export interface Authorizer {
  authorize(call: Call, deadlineMs: number): Promise<Decision | Refusal>;
  /** The same question; nothing is written, counted or logged. */
  inspect(call: Call, deadlineMs: number): Promise<Decision | Refusal>;
  /** A call, made ready to be asked about. */
  prepare(call: Call): Prepared | Refusal;
}

interface Prepared {
  readonly asked: Case;
  readonly question: Question;
}

export function createAuthorizer(parts: AuthorizeParts): Authorizer {
  const { store, journal, admissions, seen, observe, lineage } = parts;
  const halts = new Halts();
  const sidecar = randomBytes(6).toString('base64url');
  let attempts = 0;

  function prepare(given: Call): Prepared | Refusal {
    const policy = parts.policy();
    const call = lineage.inherit(given.callId === '' ? { ...given, callId: randomUUID() } : given);
    if ('refused' in call) return call;
    const matched = matchRules(policy, call);
    const nowMs = Date.now();
    const seenTokensOut = seen.p95(call.agent, call.model);
    const { amounts, unpriced } = estimateFor(call, policy.prices, seenTokensOut, nowMs);
    attempts += 1;
    const attempt = `${sidecar}.${attempts}`;
    const asked = { policy, call, matched, amounts, unpriced, lineage: lineage.tokenOf(call) };
    return { asked, question: questionFor(asked, attempt, nowMs * 1000) };
  }

  /** What Redis' answer means for the caller; the halt in it is remembered for when Redis is away. */
  function answered(asked: Case, question: Question, answer: Answer): Decision | Refusal {
    const { domain, agent, mode } = question;
    const decision = decisionOf(asked, agent, answer, true);
    if ('refused' in decision) return decision;
    if (decision.halt) halts.seen(domain, agent, decision.halt);
    else if (mode === 'decide' || mode === 'deny') halts.gone(domain, agent);
    return decision;
  }

  /** Asks Redis. In shadow no rule denies, nor does the halt that one has set off before. */
  async function ask(
    script: 'authorize' | 'inspect',
    { asked, question }: Prepared,
    deadlineMs: number,
  ): Promise<Answer | Failure> {
    const answer = await store.ask(script, question, deadlineMs);
    if ('failed' in answer || !answer.halt) return answer;
    const byRule = parseHalt(question.agent, answer.halt).rule !== '';
    if (asked.policy.mode !== 'shadow' || !byRule) return answer;
    return store.ask(script, { ...question, mode: 'look' }, deadlineMs);
  }

  /** The decision without an answer of Redis. */
  function withoutRedis(asked: Case, question: Question, failed: FailureReason): Decision {
    const halt = halts.of(question.domain, question.agent);
    return halt && (asked.policy.mode !== 'shadow' || halt.rule === '')
      ? haltedDecision(asked, halt, { decidedAtUs: 0, degraded: failed })
      : degradedDecision(asked, failed);
  }

  /** There is no answer: the failure modes decide, and Redis is told when it is back. */
  function degrade(asked: Case, question: Question, failure: Failure): Decision | Refusal {
    const decision = withoutRedis(asked, question, failure.failed);
    if (decision.verdict === 'deny') {
      if (failure.mayHaveRun) withdraw(question);
      return decision;
    }
    // Others with the same id may have been allowed while this one waited.
    const repeat = admissions.repeat(question);
    if (typeof repeat === 'string') return { refused: repeat };
    if (repeat) return allowedAgain(asked, failure.failed, repeat.repeats);
    admissions.add(question);
    return decision;
  }

  /** The caller was told DENY, but the script may have run: the attempt is taken back. */
  function withdraw({ domain, agent, callId, attempt, facts }: Question): void {
    journal.add('withdrawal', {
      id: attempt,
      domain,
      weight: 1,
      async tell(deadlineMs) {
        const outcome = await store.withdraw({ domain, agent, callId, attempt, facts }, deadlineMs);
        return 'failed' in outcome ? outcome.failed : undefined;
      },
    });
  }

  /** A call that was told ALLOW while Redis was away: allowed again, and charged now if not before. */
  async function askAgain(
    asked: Case,
    { repeats, forced }: { repeats: number; forced: Question },
    deadlineMs: number,
  ): Promise<Decision | Refusal> {
    const answer = await store.ask('authorize', forced, deadlineMs);
    if ('failed' in answer) return allowedAgain(asked, answer.failed, repeats);
    admissions.told(forced, answer);
    return answered(asked, forced, { ...answer, repeats: Math.max(answer.repeats, repeats) });
  }

  async function decide(prepared: Prepared, deadlineMs: number): Promise<Decision | Refusal> {
    const { asked, question } = prepared;
    const repeat = admissions.repeat(question);
    if (typeof repeat === 'string') return { refused: repeat };
    if (repeat) return askAgain(asked, repeat, deadlineMs);
    const answer = await ask('authorize', prepared, deadlineMs);
    return 'failed' in answer
      ? degrade(asked, question, answer)
      : answered(asked, question, answer);
  }

  return {
    prepare,

    async authorize(call, deadlineMs) {
      const startedMs = monotonicMs();
      const prepared = prepare(call);
      if ('refused' in prepared) return prepared;
      const decision = await decide(prepared, deadlineMs);
      if (!('refused' in decision)) {
        observe(prepared.asked.call, decision, (monotonicMs() - startedMs) / 1000);
      }
      return decision;
    },

    async inspect(call, deadlineMs) {
      const prepared = prepare(call);
      if ('refused' in prepared) return prepared;
      const { asked, question } = prepared;
      const answer = await ask('inspect', prepared, deadlineMs);
      if ('failed' in answer) return withoutRedis(asked, question, answer.failed);
      return decisionOf(asked, question.agent, answer, false);
    },
  };
}

/** @param latches the denial of a halt rule has halted the agent */
function decisionOf(
  asked: Case,
  agent: string,
  answer: Answer,
  latches: boolean,
): Decision | Refusal {
  if (answer.code === 'finished' || answer.code === 'mismatched') return { refused: answer.code };
  if (!answer.halt) return decisionFrom(asked, answer, latches);
  const how = { decidedAtUs: answer.nowUs, degraded: undefined };
  return haltedDecision(asked, parseHalt(agent, answer.halt), how);
}
