import type { Amounts } from '../model/amounts.js';
import { COST_SOURCES } from '../model/amounts.js';
import type { AskedAgain, Entry, EventEntry, Facts } from '../model/entry.js';
import { addSums, postingsOf, type SpendAttributes, type Sums } from '../model/spend.js';
import { formatAttributes } from './attributes.js';
import { formatFacts } from './facts.js';
import { recordKey } from './keys.js';
import type { Grain } from './spend.js';

/** How entries become spend. */
export interface SumOptions {
  /** Labels over which spend is summed. */
  readonly labels: readonly string[];
  /** When the hour or the day begins that a moment is in. */
  startOf(grain: Grain, atMs: number): number;
}

/** What some entries add to one hour, for one combination of attributes. */
export interface Group {
  readonly hourMs: number;
  readonly dayMs: number;
  readonly attributes: SpendAttributes;
  /** The attributes as they are stored. */
  readonly text: string;
  readonly sums: Sums;
}

/** What a batch of entries changes. */
export interface Batch {
  readonly groups: readonly Group[];
  /** Open holds, by the key of their record: when they end, and what is kept of them. */
  readonly opened: ReadonlyMap<string, { readonly endMs: number; readonly text: string }>;
  /** Keys of records whose holds are open no longer. */
  readonly closed: ReadonlySet<string>;
  readonly events: readonly EventEntry[];
  /** Entries that cannot be: nothing of them counts. */
  readonly absurd: readonly Entry[];
}

/** Sums up entries, in the order of their ids. */
export function sumUp(domain: string, entries: readonly Entry[], options: SumOptions): Batch {
  const groups = new Map<string, Group>();
  const opened = new Map<string, { endMs: number; text: string }>();
  const closed = new Set<string>();
  const events: EventEntry[] = [];
  const absurd: Entry[] = [];
  for (const entry of entries) {
    if (isAbsurd(entry)) {
      absurd.push(entry);
      continue;
    }
    post(groups, entry, options);
    switch (entry.kind) {
      case 'authorized': {
        // Settled before it could be charged: it holds nothing.
        if (entry.holdUntilUs === 0) break;
        const key = keyOf(domain, entry.facts);
        closed.delete(key);
        opened.set(key, {
          endMs: Math.floor(entry.holdUntilUs / 1000),
          text: formatOpen(entry.held, entry.holdUntilUs, entry.facts),
        });
        break;
      }
      case 'settled':
      case 'ran_out':
      case 'released':
      case 'withdrawn': {
        const key = keyOf(domain, entry.facts);
        opened.delete(key);
        closed.add(key);
        break;
      }
      case 'denied':
        break;
      default:
        events.push(entry);
    }
  }
  return { groups: [...groups.values()], opened, closed, events, absurd };
}

function post(groups: Map<string, Group>, entry: Entry, options: SumOptions): void {
  for (const { atMs, attributes, sums } of postingsOf(entry, options.labels)) {
    const hourMs = options.startOf('hour', atMs);
    const dayMs = options.startOf('day', atMs);
    const text = formatAttributes(attributes);
    const group = groups.get(`${hourMs} ${text}`);
    if (group) addSums(group.sums, sums);
    else groups.set(`${hourMs} ${text}`, { hourMs, dayMs, attributes, text, sums });
  }
}

function keyOf(domain: string, { agent, callId }: Facts): string {
  return recordKey({ domain, agent, callId });
}

/** As lua/run_out.lua reads it: amounts, the end of the hold in µs; a tab, and the facts. */
function formatOpen(held: Amounts, holdUntilUs: number, facts: Facts): string {
  const { costNano, tokensIn, tokensOut, costSource } = held;
  const source = COST_SOURCES.indexOf(costSource);
  return `${costNano} ${tokensIn} ${tokensOut} ${source} ${holdUntilUs}\t${formatFacts(facts)}`;
}

/** No script writes such numbers; somebody's hand could, and one of them would spoil every sum. */
function isAbsurd(entry: Entry): boolean {
  switch (entry.kind) {
    case 'authorized':
      return !isWhole(entry.holdUntilUs) || !areWhole(entry.held);
    case 'settled':
      return !areWhole(entry.held) || !areWhole(entry.settled);
    case 'ran_out':
    case 'released':
    case 'withdrawn':
      return !areWhole(entry.held);
    case 'denied':
      return !isWhole(entry.calls) || !areWhole(entry.asked) || !areWhole(entry.askedAgain);
    default:
      return false;
  }
}

function areWhole({ costNano, tokensIn, tokensOut }: AskedAgain): boolean {
  return isWhole(costNano) && isWhole(tokensIn) && isWhole(tokensOut);
}

function isWhole(number: number): boolean {
  return Number.isSafeInteger(number) && number >= 0;
}
