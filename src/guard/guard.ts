import { randomBytes, randomUUID } from 'node:crypto';
import type { Call } from '../model/call.js';
import type { Decision } from '../model/decision.js';
import { matchRules } from '../policy/match.js';
import type { Policy } from '../policy/policy.js';
import { estimateFor } from '../pricing/estimate.js';
import { monotonicMs } from '../redis/deadline.js';
import type { Failure } from '../store/answer.js';
import type { Question } from '../store/question.js';
import type { Store } from '../store/store.js';
import { allowedAgain, type Case, decisionFrom, degradedDecision } from './decision.js';
import type { Journal } from './journal.js';
import type { Observe } from './observe.js';
import { questionFor } from './question.js';

/** The call id cannot be used: it is finished, or it belongs to a different request. */
export interface Refusal {
  readonly refused: 'finished' | 'mismatched';
}

/** The use cases that an agent calls. Deadlines are moments of the monotonic clock. */
export interface Guard {
  authorize(call: Call, deadlineMs: number): Promise<Decision | Refusal>;
  /** The same question; nothing is written, counted or logged. */
  inspect(call: Call, deadlineMs: number): Promise<Decision | Refusal>;
}

export function createGuard(
  policy: () => Policy,
  store: Store,
  journal: Journal,
  observe: Observe,
): Guard {
  const sidecar = randomBytes(6).toString('base64url');
  let attempts = 0;

  function prepare(call: Call): { asked: Case; question: Question } {
    const current = policy();
    const named = call.callId === '' ? { ...call, callId: randomUUID() } : call;
    const matched = matchRules(current, named);
    const { amounts } = estimateFor(named, current.prices, undefined, Date.now());
    attempts += 1;
    const attempt = `${sidecar}.${attempts}`;
    return {
      asked: { policy: current, call: named, matched, amounts },
      question: questionFor(current, named, matched, amounts, attempt),
    };
  }

  /** There is no answer: the failure modes decide, and Redis is told when it is back. */
  function degrade(asked: Case, question: Question, failure: Failure): Decision | Refusal {
    const decision = degradedDecision(asked, failure.failed);
    if (decision.verdict === 'deny') {
      if (failure.mayHaveRun) journal.release(question);
      return decision;
    }
    // Others with the same id may have been allowed while this one waited.
    const repeat = journal.repeat(question);
    if (typeof repeat === 'string') return { refused: repeat };
    if (repeat) return allowedAgain(asked, failure.failed, repeat.repeats);
    journal.admit(question);
    return decision;
  }

  /** A call that was told ALLOW while Redis was away: allowed again, and charged now if not before. */
  async function askAgain(
    asked: Case,
    question: Question,
    { repeats, attempt }: { repeats: number; attempt: string },
    deadlineMs: number,
  ): Promise<Decision | Refusal> {
    // Under the attempt that was allowed, so that it is charged once whichever of them comes through.
    const forced: Question = { ...question, attempt, mode: 'force' };
    const answer = await store.ask('authorize', forced, deadlineMs);
    if ('failed' in answer) return allowedAgain(asked, answer.failed, repeats);
    journal.settle(forced, answer);
    if (answer.code === 'finished' || answer.code === 'mismatched') return { refused: answer.code };
    return decisionFrom(asked, { ...answer, repeats: Math.max(answer.repeats, repeats) });
  }

  async function decide(
    asked: Case,
    question: Question,
    deadlineMs: number,
  ): Promise<Decision | Refusal> {
    const repeat = journal.repeat(question);
    if (typeof repeat === 'string') return { refused: repeat };
    if (repeat) return askAgain(asked, question, repeat, deadlineMs);
    const answer = await store.ask('authorize', question, deadlineMs);
    if ('failed' in answer) return degrade(asked, question, answer);
    if (answer.code === 'finished' || answer.code === 'mismatched') return { refused: answer.code };
    return decisionFrom(asked, answer);
  }

  return {
    async authorize(call, deadlineMs) {
      const startedMs = monotonicMs();
      const { asked, question } = prepare(call);
      const decision = await decide(asked, question, deadlineMs);
      if (!('refused' in decision)) {
        observe(asked.call, decision, (monotonicMs() - startedMs) / 1000);
      }
      return decision;
    },

    async inspect(call, deadlineMs) {
      const { asked, question } = prepare(call);
      const answer = await store.ask('inspect', question, deadlineMs);
      if ('failed' in answer) return degradedDecision(asked, answer.failed);
      if (answer.code === 'finished' || answer.code === 'mismatched')
        return { refused: answer.code };
      return decisionFrom(asked, answer);
    },
  };
}
