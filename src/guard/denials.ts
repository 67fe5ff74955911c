import type { AskedAgain, Facts } from '../model/entry.js';
import type { NewEntry } from '../store/append.js';

/** Denied calls of one kind, summed up. */
export type Denied = Extract<NewEntry, { kind: 'denied' }>;

/** Kinds that are told apart at once; of more only the sum by rule is kept. An agent makes few. */
const MAX_KINDS = 1_000;

/** Whose calls they are is not told apart any more. */
const OTHER = 'other';

/** Sums up denied calls, by what denied them and what they have in common, until the ledger is told. */
export class Denials {
  #kinds = new Map<string, { domain: string; denied: Denied }>();
  /** What denied whom since the last {@link turn}, and between the two before. */
  #lately = new Set<string>();
  #before = new Set<string>();

  /**
   * @param denied of one call, or a sum that the ledger did not take
   * @returns true if nobody was denied so for a while: somebody may be waiting to hear of it
   */
  add(domain: string, denied: Denied): boolean {
    const full = this.#kinds.size >= MAX_KINDS;
    const key = keyOf(domain, denied);
    const known = this.#kinds.get(key);
    if (known || !full) {
      this.#kinds.set(key, { domain, denied: known ? sumOf(known.denied, denied) : denied });
      return this.#isFirst(domain, denied);
    }
    const rest = { ...denied, partition: '', facts: factsOfOthers(denied.facts) };
    const restKey = keyOf(domain, rest);
    const others = this.#kinds.get(restKey);
    // There are no more of these than rules.
    this.#kinds.set(restKey, { domain, denied: others ? sumOf(others.denied, rest) : rest });
    return false;
  }

  /** What was summed up since, by domain. */
  take(): Map<string, Denied[]> {
    const taken = new Map<string, Denied[]>();
    for (const { domain, denied } of this.#kinds.values()) {
      const list = taken.get(domain) ?? [];
      list.push(denied);
      taken.set(domain, list);
    }
    this.#kinds = new Map();
    return taken;
  }

  /** A second has passed. */
  turn(): void {
    this.#before = this.#lately;
    this.#lately = new Set();
  }

  #isFirst(domain: string, { rule, partition, facts }: Denied): boolean {
    const key = `${domain}\n${rule}\n${partition}\n${facts.agent}`;
    if (this.#lately.has(key)) return false;
    // Past the bound each is told with the next sum.
    if (this.#lately.size >= MAX_KINDS) return false;
    this.#lately.add(key);
    return !this.#before.has(key);
  }
}

/** What denied calls have in common: not the call, its run or its arguments. */
export function commonFacts(facts: Facts): Facts {
  const none = { callId: '', instance: '', run: '', parentCallId: '', depth: 0, fingerprint: '' };
  return { ...facts, ...none, timestampMs: undefined };
}

function factsOfOthers(facts: Facts): Facts {
  const none = { team: '', costCentre: '', tool: '', model: '', provider: '', operation: '' };
  return { ...facts, ...none, agent: OTHER, rootAgent: OTHER, labels: {} };
}

function keyOf(domain: string, { rule, partition, facts }: Denied): string {
  return JSON.stringify([domain, rule, partition, facts]);
}

/** Of the later one what is told of the last call. */
function sumOf(a: Denied, b: Denied): Denied {
  return {
    ...(b.lastUs >= a.lastUs ? b : a),
    calls: capped(a.calls + b.calls),
    // Of a sum, the source of its last call.
    asked: { ...sumOfAsked(a.asked, b.asked), costSource: b.asked.costSource },
    askedAgain: sumOfAsked(a.askedAgain, b.askedAgain),
    firstUs: Math.min(a.firstUs, b.firstUs),
    lastUs: Math.max(a.lastUs, b.lastUs),
  };
}

function sumOfAsked(a: AskedAgain, b: AskedAgain): AskedAgain {
  return {
    costNano: capped(a.costNano + b.costNano),
    tokensIn: capped(a.tokensIn + b.tokensIn),
    tokensOut: capped(a.tokensOut + b.tokensOut),
  };
}

/** Ten dear calls pass what is exact, and so what the ledger takes: as windows do, a sum stays at the most. */
function capped(sum: number): number {
  return Math.min(sum, Number.MAX_SAFE_INTEGER);
}
