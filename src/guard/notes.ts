import type { Call } from '../model/call.js';
import type { Decision } from '../model/decision.js';
import { domainOf } from '../policy/match.js';
import type { Policy } from '../policy/policy.js';
import type { Connection } from '../redis/connection.js';
import { monotonicMs } from '../redis/deadline.js';
import { failureFrom } from '../store/answer.js';
import { appendEntries, MAX_AT_ONCE, type NewEntry } from '../store/append.js';
import { knowsPolicy, type PolicyOrigin, tellPolicy } from '../store/policies.js';
import { createUntold } from '../store/untold.js';
import type { Logger } from '../telemetry/log.js';
import { Denials } from './denials.js';
import { createTellDenied } from './denied.js';

/**
 * How often the ledger is told: a process that is killed loses the denials of that time. The first denial of
 * an agent by a rule is told at once, since somebody may have to hear of it.
 */
const TELL_MS = 1_000;

/** How often it is looked whether Redis still knows the policy: soon enough for holds to run out after a flush. */
const REMEMBERED_MS = 5_000;

/** Thresholds that wait for Redis; past that they are in log and metric only. */
const MAX_THRESHOLDS = 1_000;

export type ThresholdNote = Extract<NewEntry, { kind: 'threshold' }>;

/**
 * What a gate tells the ledger of itself, each second: no script could, since a denial writes nothing. None of
 * it changes a sum of money, so what Redis refuses is told later, and what it may have taken is not told twice.
 */
export interface Notes {
  /** @param rule what stands for the rule where none has denied */
  denied(call: Call, decision: Decision, rule: string): void;
  /** A denial has raised a threshold. */
  raised(call: Call, note: ThresholdNote): void;
  /** Tells what waits, and then no more. */
  close(): Promise<void>;
}

export interface NotesParts {
  readonly connection: Connection;
  policy(): Policy;
  /** The domains that this gate has asked about. */
  domains(): Iterable<string>;
  readonly origin: PolicyOrigin;
  readonly log: Logger;
}

export function createNotes({ connection, policy, domains, origin, log }: NotesParts): Notes {
  const denials = new Denials();
  const tellDenied = createTellDenied();
  let thresholds: { domain: string; note: ThresholdNote }[] = [];
  /** Domains that know which policy is in force, and when they were last known to. */
  const told = { hash: '', domains: new Map<string, number>() };
  let telling: Promise<void> | undefined;
  let hurrying = false;

  /** @returns those that the ledger has not taken for certain, so that they may be told again */
  async function tellDomain<T extends NewEntry>(
    domain: string,
    entries: readonly T[],
  ): Promise<readonly T[]> {
    for (let at = 0; at < entries.length; at += MAX_AT_ONCE) {
      if (!connection.ready()) return entries.slice(at);
      const next = at + MAX_AT_ONCE;
      try {
        const { maxEntries } = policy().ledger;
        await appendEntries(connection, domain, maxEntries, entries.slice(at, next));
      } catch (error) {
        const { failed, mayHaveRun } = failureFrom(error);
        log.debug({ domain, why: failed }, 'the ledger was not told of denials');
        return entries.slice(mayHaveRun ? next : at);
      }
    }
    return [];
  }

  async function tellPolicies(): Promise<void> {
    const { hash, text, ledger } = policy();
    if (told.hash !== hash) {
      told.hash = hash;
      told.domains.clear();
    }
    for (const domain of domains()) {
      if (!connection.ready()) return;
      const toldMs = told.domains.get(domain);
      if (toldMs !== undefined && monotonicMs() - toldMs < REMEMBERED_MS) continue;
      if (toldMs === undefined || !(await knowsPolicy(connection, domain))) {
        await tellPolicy(connection, domain, { hash, text }, origin, ledger.maxEntries);
      }
      told.domains.set(domain, monotonicMs());
    }
  }

  const policyUntold = createUntold(
    connection,
    log,
    'keepers were not told of this domain and its policy (tg:domains): nobody sums up what it spends',
  );

  async function tellDenials(): Promise<void> {
    for (const [domain, entries] of denials.take()) {
      for (const denied of await tellDomain(domain, entries)) denials.add(domain, denied);
    }
  }

  async function tellAll(): Promise<void> {
    await tellDenials();
    const waiting = thresholds;
    thresholds = [];
    for (const one of waiting) {
      const untold = await tellDomain(one.domain, [one.note]);
      if (untold.length > 0) thresholds.push(one);
    }
    await tellPolicies().catch(policyUntold);
  }

  /** One after another: what comes while something is told is told with the next. */
  function tell(what: () => Promise<void>): Promise<void> {
    telling ??= what().finally(() => {
      telling = undefined;
    });
    return telling;
  }

  /** After the answer has gone out, and with all that was denied beside it. */
  function hurry(): void {
    if (hurrying) return;
    hurrying = true;
    setImmediate(async () => {
      await telling;
      hurrying = false;
      await tell(tellDenials);
    });
  }

  const timer = setInterval(() => {
    denials.turn();
    void tell(tellAll);
  }, TELL_MS);
  timer.unref();
  return {
    denied(call, decision, rule) {
      if (denials.add(domainOf(policy(), call), tellDenied(call, decision, rule))) hurry();
    },
    raised(call, note) {
      if (thresholds.length < MAX_THRESHOLDS) {
        thresholds.push({ domain: domainOf(policy(), call), note });
      }
    },
    async close() {
      clearInterval(timer);
      await telling;
      await tell(tellAll);
    },
  };
}
