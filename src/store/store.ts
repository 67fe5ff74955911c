import type { FailureReason } from '../model/decision.js';
import { RedisClock } from '../redis/clock.js';
import type { Connection, ScriptReply } from '../redis/connection.js';
import { beforeDeadline, monotonicMs, pollOnce, TIMED_OUT } from '../redis/deadline.js';
import type { ScriptName } from '../redis/scripts.js';
import type { Metrics } from '../telemetry/metrics.js';
import { type Answer, type Failure, failureFrom, parseAnswer } from './answer.js';
import { OLDEST_FORMAT } from './fleet-format.js';
import { type CallName, ledgerKey, recordKey } from './keys.js';
import { DECISION_MS, Line } from './line.js';
import { emptyQuestion, type Question, questionArguments, questionKeys } from './question.js';
import {
  parseRecalled,
  parseReleased,
  parseSettled,
  type Recalled,
  type Released,
  type Settled,
  type SettledFacts,
  settleArguments,
  type Used,
} from './settlement.js';

/** Domains that are remembered; past that all are forgotten, which costs each a round trip. */
const MAX_DOMAINS = 10_000;

/** The windows and records of the fleet, in domain words. */
export interface Store {
  /**
   * Asks one question, charging it (`authorize`) or not (`inspect`).
   * @param deadlineMs on the monotonic clock; the answer, or the failure, is there by then
   */
  ask(
    script: 'authorize' | 'inspect',
    question: Question,
    deadlineMs: number,
  ): Promise<Answer | Failure>;
  /** Takes back an attempt that may have admitted the call and that nobody was told of. */
  withdraw(
    attempted: CallName & Pick<Question, 'attempt' | 'facts'>,
    deadlineMs: number,
  ): Promise<{ withdrawn: boolean } | Failure>;
  /** Replaces what a call holds by what it has used, once. */
  settle(
    name: CallName,
    settler: string,
    used: Used,
    facts: SettledFacts,
    deadlineMs: number,
  ): Promise<Settled | Failure>;
  /**
   * Records what a call has used that Redis does not know; false if it knows the call by now.
   * @param line what the ledger says of the call
   */
  recordUnheld(
    name: CallName,
    settler: string,
    used: Used,
    facts: SettledFacts & { readonly line: string },
    deadlineMs: number,
  ): Promise<{ recorded: boolean } | Failure>;
  /** Gives back what a call holds that was never sent, once. */
  release(name: CallName, deadlineMs: number): Promise<Released | Failure>;
  /** What is known of a call. */
  recall(name: CallName, deadlineMs: number): Promise<Recalled | Failure>;
  /**
   * Asks about nothing, which loads the script and learns the domain's clock, so that a call need
   * not wait for either.
   * @returns why not, if it was not answered
   */
  touch(domain: string, deadlineMs: number): Promise<FailureReason | undefined>;
  /** Behind a new connection may be another Redis: forgets what it knew of the one before. */
  forget(): void;
  /** The domains that it was asked about, the oldest first. */
  domains(): Iterable<string>;
}

/** What is known of the Redis that has a domain. */
interface DomainState {
  readonly clock: RedisClock;
  readonly line: Line;
}

/**
 * @param maxEntries bound of the ledger, as the policy has it now
 * @param decisionMs how long a decision may take
 * @param format in which new windows and records are kept
 */
export function createStore(
  connection: Connection,
  metrics: Metrics,
  maxEntries: () => number,
  decisionMs = DECISION_MS,
  format: () => number = () => OLDEST_FORMAT,
): Store {
  const domains = new Map<string, DomainState>();

  const fresh = (): DomainState => ({ clock: new RedisClock(), line: new Line(decisionMs) });

  function stateOf(domain: string): DomainState {
    let state = domains.get(domain);
    if (!state) {
      if (domains.size >= MAX_DOMAINS) domains.clear();
      state = fresh();
      domains.set(domain, state);
    }
    return state;
  }

  function fail(failure: Failure): Failure {
    metrics.storeFailures.inc({ reason: failure.failed });
    return failure;
  }

  /** One round trip; `parse` throws if the reply is none of the script's. */
  async function run<T>(
    { line }: DomainState,
    script: ScriptName,
    keys: string[],
    args: (string | number)[],
    deadlineMs: number,
    parse: (reply: ScriptReply) => T,
  ): Promise<T | Failure> {
    if (!connection.ready()) return fail({ failed: 'unavailable', mayHaveRun: false });
    const startedMs = monotonicMs();
    /** Redis is at fault where it is late; else the caller is, who left no time or asked too much. */
    const failUnsent = async (failed: 'deadline' | 'overloaded') => {
      await pollOnce();
      return fail({ failed: line.isLate(monotonicMs()) ? 'timeout' : failed, mayHaveRun: false });
    };
    if (deadlineMs <= startedMs) return failUnsent('deadline');
    let ticket = line.enter(startedMs);
    const waited = ticket === undefined;
    if (waited) ticket = await line.wait(deadlineMs - startedMs);
    if (ticket === undefined) return failUnsent('overloaded');

    const place = ticket;
    const sentMs = monotonicMs();
    const work = connection.run(script, keys, args).finally(() => line.leave(place, monotonicMs()));
    try {
      const reply = await beforeDeadline(work, deadlineMs);
      const nowMs = monotonicMs();
      if (reply === TIMED_OUT) {
        const atFault = line.isLate(nowMs) ? 'timeout' : waited ? 'overloaded' : 'deadline';
        return fail({ failed: atFault, mayHaveRun: true });
      }
      metrics.storeDuration.observe({ command: script }, (nowMs - sentMs) / 1000);
      return parse(reply);
    } catch (error) {
      return fail(failureFrom(error));
    }
  }

  async function askOnce(
    script: 'authorize' | 'inspect',
    question: Question,
    keys: string[],
    notAfterUs: number,
    deadlineMs: number,
  ): Promise<Answer | Failure> {
    const state = stateOf(question.domain);
    const sentMs = monotonicMs();
    const args = questionArguments(question, notAfterUs, maxEntries(), format());
    const answer = await run<Answer>(state, script, keys, args, deadlineMs, parseAnswer);
    if ('failed' in answer) return answer;
    const step = state.clock.learn(sentMs, monotonicMs(), answer.nowUs);
    if (step) metrics.storeClockSteps.inc({ direction: step.direction });
    return answer;
  }

  /** Runs one of the scripts on the record of a call; what it does goes to the ledger. */
  function onRecord<T>(
    script: 'withdraw' | 'settle' | 'unheld' | 'release' | 'recall',
    name: CallName,
    args: (string | number)[],
    deadlineMs: number,
    parse: (reply: ScriptReply) => T,
  ): Promise<T | Failure> {
    const keys = [recordKey(name), ledgerKey(name.domain)];
    return run(stateOf(name.domain), script, keys, args, deadlineMs, parse);
  }

  return {
    async ask(script, question, deadlineMs) {
      const keys = questionKeys(question);
      const once = () =>
        askOnce(
          script,
          question,
          keys,
          stateOf(question.domain).clock.earliestUs(deadlineMs),
          deadlineMs,
        );
      const answer = await once();
      if ('failed' in answer || answer.code !== 'late') return answer;
      // The clock was unknown, or has stepped; the reply has set it right.
      const again = await once();
      if ('failed' in again || again.code !== 'late') return again;
      // Twice too late for so short a time.
      const { line } = stateOf(question.domain);
      const late = line.isLate(monotonicMs());
      return fail({ failed: late ? 'timeout' : 'deadline', mayHaveRun: false });
    },
    withdraw(attempted, deadlineMs) {
      const args = [attempted.attempt, attempted.facts, maxEntries()];
      return onRecord('withdraw', attempted, args, deadlineMs, (reply) => ({
        withdrawn: reply[0] === 1,
      }));
    },
    settle(name, settler, used, facts, deadlineMs) {
      const args = settleArguments(settler, used, facts, maxEntries());
      return onRecord('settle', name, args, deadlineMs, parseSettled);
    },
    recordUnheld(name, settler, used, facts, deadlineMs) {
      const args = [...settleArguments(settler, used, facts, maxEntries()), facts.line, format()];
      return onRecord('unheld', name, args, deadlineMs, (reply) => ({ recorded: reply[0] === 1 }));
    },
    release: (name, deadlineMs) =>
      onRecord('release', name, [maxEntries()], deadlineMs, parseReleased),
    recall: (name, deadlineMs) => onRecord('recall', name, [], deadlineMs, parseRecalled),
    async touch(domain, deadlineMs) {
      const nothing = emptyQuestion(domain);
      const keys = questionKeys(nothing);
      const answer = await askOnce('authorize', nothing, keys, ALWAYS_LATE, deadlineMs);
      return 'failed' in answer ? answer.failed : undefined;
    },
    forget() {
      for (const domain of domains.keys()) domains.set(domain, fresh());
    },
    domains: () => domains.keys(),
  };
}

/** A not_after that has passed: the script says so, with the time, and does nothing. */
const ALWAYS_LATE = -1;
