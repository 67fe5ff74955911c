import { compareIds, type Entry, type EventEntry, msOf } from '../model/entry.js';
import { addSums, type SpendAttributes, type Sums } from '../model/spend.js';
import type { Connection } from '../redis/connection.js';
import { redisMs } from '../redis/time.js';
import { formatAttributes } from './attributes.js';
import { type Group, type SumOptions, sumUp } from './batch.js';
import { parseEntry } from './entry.js';
import { type FoldState, readFoldState } from './fold-state.js';
import type { Grain, Known, Missing, Spend, SpendRow } from './spend.js';
import { readUnfolded } from './unfolded.js';

/** Entries in one reply, as whoever reads the ledger takes them. */
const BATCH = 1_000;

/** What a ledger has that nobody has summed up, read by somebody who may not store it. */
export interface Ahead {
  /** The state of the fold that it comes after. */
  readonly state: FoldState;
  readonly entries: readonly Entry[];
  /** Entries that nobody can read, and those that were gone before they were summed up. */
  readonly aside: number;
  readonly lost: number;
  /** When all was read, on Redis' clock. */
  readonly readMs: number;
}

/**
 * Reads all that waits in a ledger.
 * @returns undefined if somebody sums it up meanwhile
 */
export async function readAhead(
  connection: Connection,
  domain: string,
): Promise<Ahead | undefined> {
  const state = await readFoldState(connection, domain);
  const entries: Entry[] = [];
  let [position, aside, lost] = [state.position, 0, 0];
  for (let more = true; more; ) {
    const unfolded = await readUnfolded(connection, domain, { ...state, position }, BATCH);
    if (!unfolded) return undefined;
    for (const { id, fields } of unfolded.entries) {
      const entry = parseEntry(id, fields);
      if (entry) entries.push(entry);
      else aside += 1;
    }
    lost += unfolded.lost;
    position = unfolded.entries.at(-1)?.id ?? position;
    more = unfolded.more;
  }
  const { commit } = await readFoldState(connection, domain);
  if (commit !== state.commit) return undefined;
  return { state, entries, aside, lost, readMs: await redisMs(connection) };
}

/** Somebody has summed up meanwhile what this process counts by itself: it would count twice. */
export class SummedUpMeanwhile extends Error {
  constructor() {
    super('somebody has summed the ledger up while it was read: ask again');
  }
}

/**
 * The spend with what is ahead of it, as it would be with that summed up.
 * @throws SummedUpMeanwhile from its rows
 */
export function spendWith(
  ahead: Ahead,
  options: SumOptions,
  spend: Spend,
  connection: Connection,
  domain: string,
): Spend {
  const { groups, events } = sumUp(domain, ahead.entries, options);
  const attributesByText = new Map<string, SpendAttributes>();
  const texts = new WeakMap<SpendAttributes, string>();

  /** The one object for these attributes, whoever has made it. */
  function same(attributes: SpendAttributes): { attributes: SpendAttributes; text: string } {
    const text = texts.get(attributes) ?? formatAttributes(attributes);
    texts.set(attributes, text);
    const known = attributesByText.get(text) ?? attributes;
    attributesByText.set(text, known);
    return { attributes: known, text };
  }

  async function* rows(
    grain: Grain,
    startsMs: readonly number[],
    only?: (attributes: SpendAttributes) => boolean,
  ): AsyncGenerator<readonly SpendRow[]> {
    const waiting = rowsOf(groups, grain, new Set(startsMs), same, only);
    for await (const batch of spend.rows(grain, startsMs, only)) {
      yield batch.map(({ startMs, attributes: stored, sums }) => {
        const { attributes, text } = same(stored);
        const key = `${startMs} ${text}`;
        const more = waiting.get(key);
        if (!more) return { startMs, attributes, sums };
        waiting.delete(key);
        const both = { ...sums };
        addSums(both, more.sums);
        return { startMs, attributes, sums: both };
      });
    }
    const { commit } = await readFoldState(connection, domain);
    if (commit !== ahead.state.commit) throw new SummedUpMeanwhile();
    if (waiting.size > 0) yield [...waiting.values()];
  }

  return {
    rows,
    async events(fromMs, toMs) {
      const between = ({ atMs }: EventEntry) => atMs >= fromMs && atMs < toMs;
      const all = [...(await spend.events(fromMs, toMs)), ...events.filter(between)];
      return all.sort((a, b) => compareIds(a.id, b.id));
    },
    policies: spend.policies,
    async agents() {
      return new Set([
        ...(await spend.agents()),
        ...groups.map(({ attributes }) => attributes.agent),
      ]);
    },
    async known() {
      const known = (await spend.known()) ?? knownFrom(ahead);
      const add = (to: Missing, entries: number) =>
        entries === 0 ? to : { entries: to.entries + entries, lastMs: ahead.readMs };
      return (
        known && {
          ...known,
          untilMs: Math.max(known.untilMs, ahead.readMs),
          lost: add(known.lost, ahead.lost),
          aside: add(known.aside, ahead.aside),
        }
      );
    },
  };
}

/** Rows of what is ahead, by their start and attributes. */
function rowsOf(
  groups: readonly Group[],
  grain: Grain,
  startsMs: ReadonlySet<number>,
  same: (attributes: SpendAttributes) => { attributes: SpendAttributes; text: string },
  only: ((attributes: SpendAttributes) => boolean) | undefined,
): Map<string, SpendRow> {
  const rows = new Map<string, SpendRow & { sums: Sums }>();
  for (const group of groups) {
    const startMs = grain === 'hour' ? group.hourMs : group.dayMs;
    if (!startsMs.has(startMs) || (only && !only(group.attributes))) continue;
    const { attributes, text } = same(group.attributes);
    const row = rows.get(`${startMs} ${text}`);
    if (row) addSums(row.sums, group.sums);
    else rows.set(`${startMs} ${text}`, { startMs, attributes, sums: { ...group.sums } });
  }
  return rows;
}

/** What is known of a domain of which nothing was ever summed up. */
function knownFrom({ entries: [first], readMs }: Ahead): Known | undefined {
  if (!first) return undefined;
  const none = { entries: 0, lastMs: undefined };
  return {
    ...{ sinceMs: msOf(first.id), untilMs: readMs, forgotten: false, lost: none, aside: none },
    ...{ crowdedMs: undefined, aheadMs: 0, zones: [], policyTimezone: undefined },
  };
}
