import { RedisClock } from '../redis/clock.js';
import type { Connection } from '../redis/connection.js';
import { beforeDeadline, monotonicMs, TIMED_OUT } from '../redis/deadline.js';
import type { ScriptName } from '../redis/scripts.js';
import type { Metrics } from '../telemetry/metrics.js';
import { type Answer, type Failure, failureFrom, parseAnswer } from './answer.js';
import { recordKey } from './keys.js';
import { type Question, questionArguments, questionKeys } from './question.js';

/**
 * Scripts that may wait for a reply at once. A frozen Redis answers none of them, and past this
 * they would only cost memory: 1,000 are 20,000 decisions a second at the 50 ms deadline.
 */
const MAX_IN_FLIGHT = 1_000;

/** Domains that are remembered, each with the clock of its node of a Cluster. */
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
  /** Takes back an admission that this attempt made and nobody was told of. */
  release(question: Question, deadlineMs: number): Promise<{ released: boolean } | Failure>;
  /**
   * Asks about nothing, which loads the script and learns the clock, so that the first call of an
   * agent need not wait for either.
   */
  warmUp(domain: string, deadlineMs: number): Promise<void>;
  /** The domains that it was asked about. */
  domains(): Iterable<string>;
  /** Forgets what it knew of the Redis clock: behind a new connection may be another Redis. */
  forgetClocks(): void;
}

export function createStore(connection: Connection, metrics: Metrics): Store {
  const clocks = new Map<string, RedisClock>();
  let inFlight = 0;

  function clockOf(domain: string): RedisClock {
    let clock = clocks.get(domain);
    if (!clock) {
      if (clocks.size >= MAX_DOMAINS) clocks.clear();
      clock = new RedisClock();
      clocks.set(domain, clock);
    }
    return clock;
  }

  function fail(failure: Failure): Failure {
    metrics.storeFailures.inc({ reason: failure.failed });
    return failure;
  }

  /** One round trip; `parse` throws if the reply is none of the script's. */
  async function run<T>(
    script: ScriptName,
    keys: string[],
    args: (string | number)[],
    deadlineMs: number,
    parse: (reply: readonly number[]) => T,
  ): Promise<T | Failure> {
    if (deadlineMs <= monotonicMs()) return fail({ failed: 'deadline', mayHaveRun: false });
    if (!connection.ready()) return fail({ failed: 'unavailable', mayHaveRun: false });
    if (inFlight >= MAX_IN_FLIGHT) return fail({ failed: 'overloaded', mayHaveRun: false });
    const sentMs = monotonicMs();
    inFlight += 1;
    const work = connection.run(script, keys, args).finally(() => {
      inFlight -= 1;
    });
    try {
      const reply = await beforeDeadline(work, deadlineMs);
      if (reply === TIMED_OUT) return fail({ failed: 'timeout', mayHaveRun: true });
      metrics.storeDuration.observe({ command: script }, (monotonicMs() - sentMs) / 1000);
      return parse(reply);
    } catch (error) {
      return fail(failureFrom(error));
    }
  }

  async function askOnce(
    script: 'authorize' | 'inspect',
    question: Question,
    keys: string[],
    deadlineMs: number,
  ): Promise<Answer | Failure> {
    const clock = clockOf(question.domain);
    const sentMs = monotonicMs();
    const args = questionArguments(question, clock.earliestUs(deadlineMs));
    const answer = await run<Answer>(script, keys, args, deadlineMs, parseAnswer);
    if ('failed' in answer) return answer;
    const step = clock.learn(sentMs, monotonicMs(), answer.nowUs);
    if (step) metrics.storeClockSteps.inc({ direction: step.direction });
    return answer;
  }

  return {
    async ask(script, question, deadlineMs) {
      const keys = questionKeys(question);
      const answer = await askOnce(script, question, keys, deadlineMs);
      if ('failed' in answer || answer.code !== 'late') return answer;
      // The clock was unknown, or has stepped; the reply has set it right.
      const again = await askOnce(script, question, keys, deadlineMs);
      if ('failed' in again || again.code !== 'late') return again;
      return fail({ failed: 'timeout', mayHaveRun: false });
    },
    release: ({ domain, agent, callId, attempt }, deadlineMs) =>
      run('release', [recordKey(domain, agent, callId)], [attempt], deadlineMs, (reply) => ({
        released: reply[0] === 1,
      })),
    async warmUp(domain, deadlineMs) {
      const nothing: Question = {
        domain,
        agent: '',
        callId: '',
        attempt: '',
        digest: '',
        mode: 'decide',
        windows: [],
      };
      clocks.delete(domain);
      // With the clock unknown the script finds itself late, and writes nothing.
      await askOnce('authorize', nothing, questionKeys(nothing), deadlineMs);
    },
    domains: () => clocks.keys(),
    forgetClocks: () => {
      for (const domain of clocks.keys()) clocks.set(domain, new RedisClock());
    },
  };
}
