import type { AuthorizedEntry, Entry, EventEntry, Facts } from '../model/entry.js';
import { addSums, postingsOf, type SpendAttributes, type Sums } from '../model/spend.js';
import { amountNumbers } from './amounts.js';
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
}

/** Sums up entries, in the order of their ids. */
export function sumUp(domain: string, entries: readonly Entry[], options: SumOptions): Batch {
  const groups = new Map<string, Group>();
  const opened = new Map<string, { endMs: number; text: string }>();
  const closed = new Set<string>();
  const events: EventEntry[] = [];
  for (const entry of entries) {
    post(groups, entry, options);
    switch (entry.kind) {
      case 'authorized': {
        // Settled before it could be charged: it holds nothing.
        if (entry.holdUntilUs === 0) break;
        const key = keyOf(domain, entry.facts);
        closed.delete(key);
        opened.set(key, {
          endMs: Math.floor(entry.holdUntilUs / 1000),
          text: formatOpen(entry),
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
  return { groups: [...groups.values()], opened, closed, events };
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

/** The record of the call that facts are of. */
export function keyOf(domain: string, { agent, callId }: Facts): string {
  return recordKey({ domain, agent, callId });
}

/** As lua/run_out.lua reads it: amounts, the end of the hold in µs, when it was admitted in ms; a tab, the facts. */
function formatOpen({ held, holdUntilUs, atMs, facts }: AuthorizedEntry): string {
  return `${[...amountNumbers(held), holdUntilUs, atMs].join(' ')}\t${formatFacts(facts)}`;
}

/** When an open hold began; of one of before not later than it ends. */
export function openedMs(text: string): number {
  const [, , , , holdUntilUs, atMs] = text.slice(0, text.indexOf('\t')).split(' ').map(Number);
  return atMs ?? (holdUntilUs ?? 0) / 1000;
}
