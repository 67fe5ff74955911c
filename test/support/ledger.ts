import { COST_SOURCES } from '../../src/model/amounts.js';
import type { Entry, Facts } from '../../src/model/entry.js';
import { addSums, noSums, postingOf, postingsOf, type Sums } from '../../src/model/spend.js';
import type { Connection } from '../../src/redis/connection.js';
import { formatAttributes } from '../../src/store/attributes.js';
import { formatEntry } from '../../src/store/entry.js';
import { factsOf } from '../../src/store/facts.js';
import type { FoldOptions } from '../../src/store/fold-options.js';
import { ledgerKey } from '../../src/store/keys.js';
import type { Grain } from '../../src/store/spend.js';
import { readSpend } from '../../src/store/spend-reader.js';
import { formatSums } from '../../src/store/sums.js';
import { callOf } from './call.js';
import type { Seeded } from './seed.js';

const HOUR_MS = 3_600_000;

/** Days of UTC. */
export const UTC: FoldOptions = {
  labels: ['customer'],
  timezone: 'UTC',
  keeps: false,
  days: {
    startOf(grain, atMs) {
      const lengthMs = grain === 'hour' ? HOUR_MS : 24 * HOUR_MS;
      return Math.floor(atMs / lengthMs) * lengthMs;
    },
  },
};

/** When an hour or a day begins, as it is summed up. */
export function startOf({ days, timezone }: FoldOptions, grain: Grain, atMs: number): number {
  return days.startOf(grain, atMs, timezone);
}

/** What a denied entry says where no window has denied, and no call was asked twice. */
export const NO_WINDOW = {
  askedAgain: { costNano: 0, tokensIn: 0, tokensOut: 0 },
  ...{ metric: undefined, used: 0, limit: 0, retryAtUs: 0, run: '' },
};

export function factsFor(callId: string, more: Partial<Facts> = {}): Facts {
  const agent = more.agent ?? 'agent-1';
  return { ...factsOf(callOf({ callId, agent, instance: 'pod-1' })), run: '', ...more };
}

/** Entries of all kinds that post, ascending from a moment on, some minutes apart now and then. */
export function entriesOf({ below, onceIn, pick }: Seeded, count: number, fromMs: number): Entry[] {
  let atMs = fromMs;
  let seq = 0;
  return Array.from({ length: count }, (_, i): Entry => {
    if (!onceIn(3)) {
      atMs += onceIn(20) ? below(20 * 60_000) : 1 + below(5_000);
      seq = 0;
    } else seq += 1;
    const base = { id: `${atMs}-${seq}`, atMs };
    const agent = `agent-${below(4)}`;
    const facts = factsFor(`call-${onceIn(3) ? below(50) : i}`, {
      agent,
      team: pick(['', 'ops', 'growth, "quoted"']),
      tool: pick(['', 'search', 'openai_completion', 'other']),
      model: pick(['', 'gpt-4o', 'anthropic.claude-v2:1']),
      rootAgent: pick([agent, 'root']),
      labels: pick<Record<string, string>>([{}, { customer: 'a{b}%' }, { customer: '7', x: 'y' }]),
    });
    const amounts = () => ({
      costNano: onceIn(10) ? 1_000_000_000_000_000 - below(1_000_000) : below(50_000_000),
      costSource: pick(COST_SOURCES),
      tokensIn: below(4_000),
      tokensOut: below(2_000),
    });
    const ranOut = onceIn(5);
    const held = amounts();
    switch (below(7)) {
      case 0:
      case 1: {
        const holdUntilUs = atMs * 1000 + 900_000_000;
        return { ...base, kind: 'authorized', facts, held, holdUntilUs, forced: false };
      }
      case 2:
      case 3:
        return {
          ...base,
          kind: 'settled',
          facts,
          state: pick(['settled', 'unheld', 'unauthorized'] as const),
          final: false,
          late: ranOut,
          returned: false,
          ranOut,
          outcome: 'ok',
          ...(facts.model !== '' && onceIn(2) ? { heldAs: { model: 'alias', provider: '' } } : {}),
          held,
          settled: amounts(),
        };
      case 4:
        return { ...base, kind: 'ran_out', facts, held, ranOut: false, final: false };
      case 5:
        return {
          ...base,
          kind: pick(['released', 'withdrawn'] as const),
          facts,
          held,
          ranOut,
          final: false,
        };
      default: {
        const times = { firstUs: atMs * 1000 - 1_000_000, lastUs: atMs * 1000 };
        const partition = `agent=${agent}`;
        const calls = 1 + below(300);
        return {
          ...base,
          kind: 'denied',
          rule: 'loop',
          partition,
          facts: { ...facts, callId: '' },
          calls,
          asked: held,
          ...NO_WINDOW,
          askedAgain: { costNano: below(50_000_000), tokensIn: 1, tokensOut: 0 },
          ...times,
        };
      }
    }
  });
}

/** Appends entries to the stream under their own ids, as the scripts would. */
export async function appendEntries(
  connection: Connection,
  domain: string,
  entries: readonly Entry[],
): Promise<void> {
  for (let at = 0; at < entries.length; at += 1_000) {
    await Promise.all(
      entries.slice(at, at + 1_000).map((entry) => {
        const fields = Object.entries(formatEntry(entry)).flat();
        return connection.command('XADD', ledgerKey(domain), entry.id, ...fields);
      }),
    );
  }
}

/** Spend by hour and day, as a plain sum over entries has it: sums as text, by what they are of. */
export function plainSpend(entries: readonly Entry[], options: FoldOptions): Map<string, string> {
  const rows = new Map<string, Sums>();
  for (const entry of entries) {
    for (const posting of postingsOf(entry, options.labels)) {
      for (const grain of ['hour', 'day'] as const) {
        const startMs = startOf(options, grain, posting.atMs);
        const name = `${grain} ${startMs} ${formatAttributes(posting.attributes)}`;
        const sums = rows.get(name) ?? noSums();
        addSums(sums, posting.sums);
        rows.set(name, sums);
      }
    }
  }
  return new Map([...rows].map(([name, sums]) => [name, formatSums(sums)]));
}

/** The same, as it is stored, of every hour and day that one of the entries is in. */
export async function storedSpend(
  connection: Connection,
  domain: string,
  entries: readonly Entry[],
  options: FoldOptions,
  spend = readSpend(connection, domain),
): Promise<Map<string, string>> {
  const rows = new Map<string, string>();
  for (const grain of ['hour', 'day'] as const) {
    for await (const batch of spend.rows(grain, startsOf(grain, entries, options))) {
      for (const { startMs, attributes, sums } of batch) {
        rows.set(`${grain} ${startMs} ${formatAttributes(attributes)}`, formatSums(sums));
      }
    }
  }
  return rows;
}

/** All spend of all days: one row. */
export async function totalOf(
  connection: Connection,
  domain: string,
  grain: Grain,
  entries: readonly Entry[],
  options: FoldOptions,
): Promise<string> {
  const total = noSums();
  const spend = readSpend(connection, domain);
  for await (const batch of spend.rows(grain, startsOf(grain, entries, options))) {
    for (const { sums } of batch) addSums(total, sums);
  }
  return formatSums(total);
}

/** The same of a plain sum. */
export function plainTotal(entries: readonly Entry[]): string {
  const total = noSums();
  for (const entry of entries) {
    const posting = postingOf(entry);
    if (posting) addSums(total, posting.sums);
  }
  return formatSums(total);
}

function startsOf(grain: Grain, entries: readonly Entry[], options: FoldOptions): number[] {
  return [...new Set(entries.map(({ atMs }) => startOf(options, grain, atMs)))];
}
