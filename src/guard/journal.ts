import type { FailureReason } from '../model/decision.js';
import { monotonicMs } from '../redis/deadline.js';
import type { Logger } from '../telemetry/log.js';
import type { Metrics } from '../telemetry/metrics.js';

/** Of each kind: at 100 calls a second, a minute and a half without Redis. */
const MAX_ENTRIES = 10_000;

/** Of each kind: about 15 MB. What an entry costs is mostly its windows. */
const MAX_WEIGHT = 20_000;

/** An entry has waited for Redis already, so it waits longer for its answer than a decision does. */
const REPLAY_DEADLINE_MS = 1_000;

/** Entries that Redis is told at once. */
const BATCH = 64;

/** Why Redis cannot take one entry, and may take the next: it holds up no other. */
const OF_ENTRY: ReadonlySet<FailureReason> = new Set(['error', 'newer']);

/** How often an unfinished journal is tried again, besides at each reconnect. */
const RETRY_MS = 1_000;

/** What Redis can be told late, in the order in which it is. */
export const ENTRY_KINDS = ['withdrawal', 'admission', 'settlement'] as const;
export type EntryKind = (typeof ENTRY_KINDS)[number];

/** Something that Redis must still be told. Telling it twice must be harmless. */
export interface Entry {
  /** Names it within its kind. */
  readonly id: string;
  readonly domain: string;
  /** How much memory it takes, in windows. */
  readonly weight: number;
  /** @returns why Redis gave no answer, once more; undefined when it is told */
  tell(deadlineMs: number): Promise<FailureReason | undefined>;
}

/**
 * What Redis must still be told, because it gave no answer when it was asked. It is kept in memory:
 * what waits is lost with the process.
 */
export interface Journal {
  /** Takes an entry, unless one of that name waits already. @returns false if it is full */
  add(kind: EntryKind, entry: Entry): boolean;
  /** Redis was told by other means. */
  remove(kind: EntryKind, id: string): void;
  /** Tells Redis what waits; resolves when all is told or Redis fails again. */
  drain(): Promise<void>;
  size(): number;
  close(): void;
}

export function createJournal(metrics: Metrics, log: Logger): Journal {
  const waiting: Record<EntryKind, Map<string, Entry>> = {
    withdrawal: new Map(),
    admission: new Map(),
    settlement: new Map(),
  };
  const weights: Record<EntryKind, number> = { withdrawal: 0, admission: 0, settlement: 0 };
  const full = new Set<EntryKind>();
  let draining: Promise<void> | undefined;
  let saidNewer = false;
  const timer = setInterval(() => void drain(), RETRY_MS);
  timer.unref();

  // Known at 0, so that a first loss is an increase.
  for (const kind of ENTRY_KINDS) metrics.journalDropped.inc({ kind }, 0);
  const size = () => ENTRY_KINDS.reduce((sum, kind) => sum + waiting[kind].size, 0);

  function add(kind: EntryKind, entry: Entry): boolean {
    if (waiting[kind].has(entry.id)) return true;
    if (waiting[kind].size >= MAX_ENTRIES || weights[kind] >= MAX_WEIGHT) {
      metrics.journalDropped.inc({ kind });
      if (!full.has(kind)) {
        full.add(kind);
        log.error({ kind }, 'the journal is full: what Redis should be told later is turned away');
      }
      return false;
    }
    weights[kind] += entry.weight;
    waiting[kind].set(entry.id, entry);
    metrics.journalEntries.set(size());
    return true;
  }

  function remove(kind: EntryKind, id: string): void {
    const entry = waiting[kind].get(id);
    if (!entry) return;
    weights[kind] -= entry.weight;
    full.delete(kind);
    waiting[kind].delete(id);
    metrics.journalEntries.set(size());
  }

  /** Batch by batch; a domain that fails is left for the next time, the others go on. */
  async function tellAll(kind: EntryKind, failing: Set<string>, newer: Set<string>): Promise<void> {
    const entries = [...waiting[kind].values()];
    for (let at = 0; at < entries.length; at += BATCH) {
      const batch = entries.slice(at, at + BATCH).filter(({ domain }) => !failing.has(domain));
      const failures = await Promise.all(
        batch.map((entry) => entry.tell(monotonicMs() + REPLAY_DEADLINE_MS)),
      );
      for (const [i, entry] of batch.entries()) {
        const failed = failures[i];
        // Another of that name may have come in its place.
        if (!failed && waiting[kind].get(entry.id) === entry) remove(kind, entry.id);
        if (failed && !OF_ENTRY.has(failed)) failing.add(entry.domain);
        if (failed === 'newer') newer.add(entry.domain);
      }
    }
  }

  function sayNewer(newer: ReadonlySet<string>): void {
    if (newer.size > 0 && !saidNewer) {
      log.error(
        { domains: [...newer] },
        'Redis keeps what a much later version has written, so some calls of this one cannot be told it: update this sidecar; they wait until then, and are lost with the process',
      );
    }
    saidNewer = newer.size > 0;
  }

  async function drainNow(): Promise<void> {
    const waited = size();
    const [failing, newer] = [new Set<string>(), new Set<string>()];
    try {
      for (const kind of ENTRY_KINDS) await tellAll(kind, failing, newer);
      sayNewer(newer);
    } catch (error) {
      log.error({ err: error }, 'the journal could not be told to Redis; it is tried again');
    }
    const told = waited - size();
    if (told > 0) {
      log.info(
        { told, waiting: size() },
        'Redis was told of calls that were decided or settled while it gave no answer',
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

  return {
    add,
    remove,
    drain,
    size,
    close: () => clearInterval(timer),
  };
}
