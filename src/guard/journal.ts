import type { FailureReason } from '../model/decision.js';
import { monotonicMs } from '../redis/deadline.js';
import type { Answer } from '../store/answer.js';
import { recordKey } from '../store/keys.js';
import { type Question, REPEAT_FOR_US, REPEAT_MAX } from '../store/question.js';
import type { Store } from '../store/store.js';
import type { Logger } from '../telemetry/log.js';
import type { Metrics } from '../telemetry/metrics.js';
import { type Announce, quietUntilUs } from './thresholds.js';

/** At 100 calls a second, a minute and a half without Redis. */
const MAX_ENTRIES = 10_000;

/** Windows in all admissions: about 15 MB. What an entry costs is mostly its windows. */
const MAX_WINDOWS = 20_000;

/** An entry has waited for Redis already, so it waits longer for its answer than a decision does. */
const REPLAY_DEADLINE_MS = 1_000;

/** Entries that Redis is told at once. */
const BATCH = 64;

/** How often an unfinished journal is tried again, besides at each reconnect. */
const RETRY_MS = 1_000;

/**
 * What Redis must still be told, because it gave no answer when it was asked. It is kept in memory:
 * what waits is lost with the process.
 */
export interface Journal {
  /** The caller was told ALLOW: the call is charged over any limit, once. */
  admit(question: Question): void;
  /** The caller was told DENY, but the script may have run: the attempt is taken back. */
  release(question: Question): void;
  /**
   * The call was told ALLOW already, and Redis does not know yet.
   * @returns how often it was asked again, this time included, and the attempt under which it was
   *   allowed; or why its id cannot be used; undefined if the journal does not know the call
   */
  repeat(
    question: Question,
  ): { repeats: number; attempt: string } | 'finished' | 'mismatched' | undefined;
  /** Redis has answered a question that the journal held, asked by force. */
  settle(question: Question, answer: Answer): void;
  /** Tells Redis what waits; resolves when all is told or Redis fails again. */
  drain(): Promise<void>;
  size(): number;
  close(): void;
}

interface Admission {
  readonly question: Question;
  readonly admittedMs: number;
  repeats: number;
}

export function createJournal(
  store: Store,
  metrics: Metrics,
  log: Logger,
  announce: Announce,
): Journal {
  const admissions = new Map<string, Admission>();
  const releases = new Map<string, Question>();
  let windows = 0;
  let draining: Promise<void> | undefined;
  const timer = setInterval(() => void drain(), RETRY_MS);
  timer.unref();

  const keyOf = ({ domain, agent, callId }: Question) => recordKey(domain, agent, callId);
  const size = () => admissions.size + releases.size;

  function admit(question: Question): void {
    if (admissions.has(keyOf(question))) return;
    if (admissions.size >= MAX_ENTRIES || windows >= MAX_WINDOWS) {
      metrics.journalDropped.inc({ kind: 'admission' });
      return;
    }
    windows += question.windows.length;
    admissions.set(keyOf(question), { question, admittedMs: monotonicMs(), repeats: 0 });
    metrics.journalEntries.set(size());
  }

  function release(question: Question): void {
    if (releases.size >= MAX_ENTRIES) {
      metrics.journalDropped.inc({ kind: 'release' });
      return;
    }
    releases.set(question.attempt, question);
    metrics.journalEntries.set(size());
  }

  function repeat(question: Question): ReturnType<Journal['repeat']> {
    const admission = admissions.size > 0 ? admissions.get(keyOf(question)) : undefined;
    if (!admission) return undefined;
    if (admission.question.digest !== question.digest) return 'mismatched';
    const ageMs = monotonicMs() - admission.admittedMs;
    if (ageMs * 1000 > REPEAT_FOR_US || admission.repeats >= REPEAT_MAX) return 'finished';
    admission.repeats += 1;
    return { repeats: admission.repeats, attempt: admission.question.attempt };
  }

  function settle(question: Question, answer: Answer): void {
    const admission = admissions.get(keyOf(question));
    if (admission && admissions.delete(keyOf(question))) {
      windows -= admission.question.windows.length;
      metrics.journalEntries.set(size());
    }
    const fields = { call_id: question.callId, agent: question.agent };
    if (answer.code === 'mismatched') {
      log.error(
        fields,
        'a call that was allowed while Redis was away has the call id of another call; it stays uncharged',
      );
      return;
    }
    const atUs = answer.nowUs;
    for (const [i, { rule, partition, limit, span, thresholds }] of question.windows.entries()) {
      for (const [bit, amount] of thresholds.entries()) {
        if (((answer.windows[i]?.raised ?? 0) & (1 << bit)) === 0) continue;
        const share = limit === 0 ? 1 : Math.round((amount / limit) * 1e6) / 1e6;
        const raised = { ruleId: rule, partition, share, amount, atUs };
        announce({ ...raised, quietUntilUs: quietUntilUs(span, atUs) }, fields);
      }
    }
  }

  /** Tells Redis one entry; the reason if it cannot. */
  async function tellAdmission({ question }: Admission): Promise<FailureReason | undefined> {
    const deadlineMs = monotonicMs() + REPLAY_DEADLINE_MS;
    const answer = await store.ask('authorize', { ...question, mode: 'force' }, deadlineMs);
    if ('failed' in answer) return answer.failed;
    settle(question, answer);
    return undefined;
  }

  async function tellRelease(question: Question): Promise<FailureReason | undefined> {
    const outcome = await store.release(question, monotonicMs() + REPLAY_DEADLINE_MS);
    if ('failed' in outcome) return outcome.failed;
    releases.delete(question.attempt);
    metrics.journalEntries.set(size());
    return undefined;
  }

  /** Batch by batch; a domain that fails is left for the next time, the others go on. */
  async function tellAll<Entry>(
    entries: readonly Entry[],
    domainOf: (entry: Entry) => string,
    tell: (entry: Entry) => Promise<FailureReason | undefined>,
  ): Promise<void> {
    const failing = new Set<string>();
    for (let at = 0; at < entries.length; at += BATCH) {
      const batch = entries.slice(at, at + BATCH).filter((entry) => !failing.has(domainOf(entry)));
      const failures = await Promise.all(batch.map(tell));
      for (const [i, entry] of batch.entries()) if (failures[i]) failing.add(domainOf(entry));
    }
  }

  async function drainNow(): Promise<void> {
    const waited = size();
    try {
      await tellAll([...releases.values()], ({ domain }) => domain, tellRelease);
      await tellAll([...admissions.values()], ({ question }) => question.domain, tellAdmission);
    } catch (error) {
      log.error({ err: error }, 'the journal could not be told to Redis; it is tried again');
    }
    const told = waited - size();
    if (told > 0) {
      log.info(
        { told, waiting: size() },
        'Redis was told of calls that were decided while it gave no answer',
      );
    }
  }

  function drain(): Promise<void> {
    if (size() === 0) return Promise.resolve();
    draining ??= drainNow().finally(() => {
      draining = undefined;
    });
    return draining;
  }

  return { admit, release, repeat, settle, drain, size, close: () => clearInterval(timer) };
}
