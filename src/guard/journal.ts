import { monotonicMs } from '../redis/deadline.js';
import { recordKey } from '../store/keys.js';
import type { Question } from '../store/question.js';
import type { Store } from '../store/store.js';
import type { Logger } from '../telemetry/log.js';
import type { Metrics } from '../telemetry/metrics.js';

/** About 10 MB at the most; at 100 calls a second, a minute and a half without Redis. */
const MAX_ENTRIES = 10_000;

/** An entry has waited for Redis already, so it waits longer for its answer than a decision does. */
const REPLAY_DEADLINE_MS = 1_000;

/** How often an unfinished journal is tried again, besides at each reconnect. */
const RETRY_MS = 1_000;

/**
 * What Redis must still be told, because it gave no answer when it was asked:
 * - `admit`: the caller was told ALLOW. The call is charged over any limit, once (true cost is
 *   always recorded), and a repeat of it until then is allowed too.
 * - `release`: the caller was told DENY, but the script may have run. The attempt is taken back.
 */
export interface Journal {
  /** The admission of this call that Redis does not know yet. */
  pendingAdmission(question: Question): Question | undefined;
  admit(question: Question): void;
  release(question: Question): void;
  /** Redis has learned of this admission in another way. */
  settle(question: Question): void;
  /** Tells Redis what waits, until it is empty or Redis fails again. */
  drain(): Promise<void>;
  size(): number;
  close(): void;
}

interface Entry {
  readonly kind: 'admit' | 'release';
  readonly question: Question;
}

export function createJournal(store: Store, metrics: Metrics, log: Logger): Journal {
  // Admissions by call, since there is one for each; releases by attempt.
  const entries = new Map<string, Entry>();
  let draining = false;
  const timer = setInterval(() => {
    if (entries.size > 0) void drain();
  }, RETRY_MS);
  timer.unref();

  function keyOf({ kind, question }: Entry): string {
    const { domain, agent, callId, attempt } = question;
    return kind === 'admit' ? recordKey(domain, agent, callId) : attempt;
  }

  function add(entry: Entry): void {
    const key = keyOf(entry);
    if (entries.has(key)) return;
    if (entries.size >= MAX_ENTRIES) {
      metrics.journalDropped.inc();
      return;
    }
    entries.set(key, entry);
    metrics.journalEntries.set(entries.size);
  }

  function remove(entry: Entry): void {
    entries.delete(keyOf(entry));
    metrics.journalEntries.set(entries.size);
  }

  async function replay({ kind, question }: Entry): Promise<boolean> {
    const deadlineMs = monotonicMs() + REPLAY_DEADLINE_MS;
    if (kind === 'release') {
      const outcome = await store.release(question, deadlineMs);
      return !('failed' in outcome);
    }
    const answer = await store.ask('authorize', { ...question, mode: 'force' }, deadlineMs);
    if ('failed' in answer) return false;
    if (answer.code === 'mismatched') {
      log.error(
        { agent: question.agent, call_id: question.callId },
        'an admission made while Redis was away has the call id of another call; it stays uncharged',
      );
    }
    return true;
  }

  async function drain(): Promise<void> {
    if (draining) return;
    draining = true;
    let told = 0;
    try {
      for (const entry of entries.values()) {
        if (!(await replay(entry))) break;
        remove(entry);
        told += 1;
      }
    } catch (error) {
      log.error({ err: error }, 'the journal could not be told to Redis; it is tried again');
    } finally {
      draining = false;
    }
    if (told > 0) {
      log.info(
        { told, waiting: entries.size },
        'Redis was told of calls decided while it was away',
      );
    }
  }

  return {
    pendingAdmission: ({ domain, agent, callId }) =>
      entries.size === 0 ? undefined : entries.get(recordKey(domain, agent, callId))?.question,
    admit: (question) => add({ kind: 'admit', question }),
    release: (question) => add({ kind: 'release', question }),
    settle: (question) => remove({ kind: 'admit', question }),
    drain,
    size: () => entries.size,
    close: () => clearInterval(timer),
  };
}
