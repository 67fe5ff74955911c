import { spanEndUs } from '../model/span.js';
import { monotonicMs } from '../redis/deadline.js';
import type { Answer } from '../store/answer.js';
import { parseShortFacts } from '../store/facts.js';
import { type CallName, recordKey } from '../store/keys.js';
import { type Question, REPEAT_FOR_US, REPEAT_MAX } from '../store/question.js';
import type { Store } from '../store/store.js';
import type { Logger } from '../telemetry/log.js';
import type { Journal } from './journal.js';
import type { Spending } from './spending.js';
import type { Announce } from './thresholds.js';

/** Calls that were told ALLOW while Redis was away, and that it does not know yet. */
export interface Admissions {
  /** The caller was told ALLOW: the call is charged over any limit, once, when Redis is back. */
  add(question: Question): void;
  /** Does Redis still have to be told of this call? */
  has(name: CallName): boolean;
  /**
   * Asked again.
   * @returns how often, this time included, and the question that charges it; or why its id cannot be
   *   used; undefined if the call is none of these
   */
  repeat(
    question: Question,
  ): { repeats: number; forced: Question } | 'finished' | 'mismatched' | undefined;
  /** Redis has answered a forced question. */
  told(question: Question, answer: Answer): void;
}

interface Admission {
  readonly question: Question;
  readonly admittedMs: number;
  repeats: number;
}

export function createAdmissions(
  store: Store,
  journal: Journal,
  log: Logger,
  announce: Announce,
  spending: Spending,
): Admissions {
  const admissions = new Map<string, Admission>();

  /** Under the attempt that was allowed, so that it is charged once however often it is told. */
  function forcedOf({ question, admittedMs }: Admission): Question {
    const ageUs = Math.ceil((monotonicMs() - admittedMs) * 1000);
    return { ...question, mode: 'force', ageUs };
  }

  function told(question: Question, answer: Answer): void {
    const id = recordKey(question);
    if (!admissions.delete(id)) return;
    journal.remove('admission', id);
    const fields = { call_id: question.callId, agent: question.agent };
    if (answer.code === 'mismatched') {
      log.error(
        fields,
        'a call that was allowed while Redis was away has the call id of another call; it stays uncharged',
      );
      return;
    }
    const facts = parseShortFacts(question.facts);
    // Only now is it known to count once: a repeat of what another sidecar admitted is counted there.
    if (question.final && answer.repeats === 0) spending.spent(facts, answer.held);
    const atUs = answer.nowUs;
    for (const [i, window] of question.windows.entries()) {
      const { rule: ruleId, partition, limit, span, thresholds } = window;
      for (const [bit, amount] of thresholds.entries()) {
        if (((answer.windows[i]?.raised ?? 0) & (1 << bit)) === 0) continue;
        const share = limit === 0 ? 1 : Math.round((amount / limit) * 1e6) / 1e6;
        const untilUs = spanEndUs(span, atUs);
        announce({ who: facts, ruleId, partition, share, amount, atUs, untilUs }, fields);
      }
    }
  }

  return {
    add(question) {
      const id = recordKey(question);
      if (admissions.has(id)) return;
      const admission: Admission = { question, admittedMs: monotonicMs(), repeats: 0 };
      const added = journal.add('admission', {
        id,
        domain: question.domain,
        weight: question.windows.length,
        async tell(deadlineMs) {
          const forced = forcedOf(admission);
          const answer = await store.ask('authorize', forced, deadlineMs);
          if ('failed' in answer) return answer.failed;
          told(forced, answer);
          return undefined;
        },
      });
      if (added) admissions.set(id, admission);
    },
    has: (name) => admissions.size > 0 && admissions.has(recordKey(name)),
    repeat(question) {
      const admission = admissions.size > 0 ? admissions.get(recordKey(question)) : undefined;
      if (!admission) return undefined;
      if (admission.question.digest !== question.digest) return 'mismatched';
      const ageUs = (monotonicMs() - admission.admittedMs) * 1000;
      if (ageUs > REPEAT_FOR_US || admission.repeats >= REPEAT_MAX) return 'finished';
      admission.repeats += 1;
      return { repeats: admission.repeats, forced: forcedOf(admission) };
    },
    told,
  };
}
