import { addSums } from '../model/spend.js';
import type { Connection } from '../redis/connection.js';
import { coarse, digestOfAttributes, formatAttributes } from './attributes.js';
import type { Group } from './batch.js';
import { attributesKey, numbersKey } from './keys.js';
import { hmget, type RowShard, Rows } from './rows.js';

/**
 * Different attributes in one hour, and altogether: past the first bound only who spends is kept, past
 * the second nothing but the sums. So a label that is different in every call costs memory up to a
 * bound, and no sum.
 */
export const BOUNDS: readonly Bound[] = [
  { inHour: 10_000, altogether: 100_000, past: 'who' },
  { inHour: 12_000, altogether: 120_000, past: 'nothing' },
  { inHour: Infinity, altogether: Infinity, past: 'nothing' },
];

/** How many may be told apart, and what is kept of those past it. */
export interface Bound {
  readonly inHour: number;
  readonly altogether: number;
  readonly past: 'who' | 'nothing';
}

/** How many different attributes there are. */
export interface Counts {
  readonly next: number;
  /** Of the numbers below that, those that are free again. */
  readonly freed: number;
  readonly hourMs: number;
  readonly inHour: number;
}

/** Where a batch goes. */
export interface Placed {
  readonly shards: readonly RowShard[];
  /** Numbers that are given out by this batch. */
  readonly numbered: ReadonlyMap<string, number>;
  readonly counts: Omit<Counts, 'freed'>;
  /** Numbers that have a row of a day for the first time, and the day. */
  readonly seen: ReadonlyMap<number, number>;
  /** Some of it has less of its attributes than it had: they are too many. */
  readonly crowded: boolean;
}

/** Gives attributes their numbers, and adds what a batch has to the rows as they are stored now. */
export async function placeGroups(
  connection: Connection,
  domain: string,
  groups: readonly Group[],
  counts: Counts,
  bounds: readonly Bound[] = BOUNDS,
): Promise<Placed> {
  const rows = new Rows(connection, domain);
  const numbered = new Map<string, number>();
  const inHour = new Map([[counts.hourMs, counts.inHour]]);
  let next = counts.next;
  let waiting = groups;
  const seen = new Map<number, number>();
  let crowded = false;
  for (const bound of bounds) {
    const tooMany: Group[] = [];
    const numbers = await findNumbers(connection, domain, waiting, numbered);
    const known = waiting.flatMap((group) => {
      const number = numbers.get(group.text);
      return number === undefined
        ? []
        : [{ grain: 'hour' as const, startMs: group.hourMs, number }];
    });
    await rows.read(known);
    const accepted: { group: Group; number: number }[] = [];
    for (const group of waiting) {
      let number = numbers.get(group.text) ?? numbered.get(group.text);
      if (number === undefined || !rows.has('hour', group.hourMs, number)) {
        const others = inHour.get(group.hourMs) ?? 0;
        if (
          others >= bound.inHour ||
          (number === undefined && next - counts.freed >= bound.altogether)
        ) {
          tooMany.push(group);
          continue;
        }
        inHour.set(group.hourMs, others + 1);
      }
      if (number === undefined) {
        number = next;
        next += 1;
        numbered.set(group.text, number);
      }
      rows.add('hour', group.hourMs, number, group.sums);
      accepted.push({ group, number });
    }
    await rows.read(
      accepted.map(({ group, number }) => ({ grain: 'day', startMs: group.dayMs, number })),
    );
    for (const { group, number } of accepted) {
      const { dayMs } = group;
      if (!rows.has('day', dayMs, number)) seen.set(number, Math.max(dayMs, seen.get(number) ?? 0));
      rows.add('day', dayMs, number, group.sums);
    }
    waiting = merge(tooMany, bound.past);
    crowded ||= waiting.length > 0;
  }
  const hourMs = Math.max(...inHour.keys());
  const newest = { next, hourMs, inHour: inHour.get(hourMs) ?? 0 };
  return { shards: rows.changed(), numbered, counts: newest, seen, crowded };
}

/** The same groups with less of their attributes, and so fewer of them. */
function merge(groups: readonly Group[], past: Bound['past']): Group[] {
  const merged = new Map<string, Group>();
  for (const group of groups) {
    const attributes = coarse(group.attributes, past);
    const text = formatAttributes(attributes);
    const same = merged.get(`${group.hourMs} ${text}`);
    if (same) addSums(same.sums, group.sums);
    else {
      const sums = { ...group.sums };
      merged.set(`${group.hourMs} ${text}`, { ...group, attributes, text, sums });
    }
  }
  return [...merged.values()];
}

async function findNumbers(
  connection: Connection,
  domain: string,
  groups: readonly Group[],
  numbered: ReadonlyMap<string, number>,
): Promise<Map<string, number>> {
  const texts = [...new Set(groups.map(({ text }) => text))].filter((text) => !numbered.has(text));
  const found = await hmget(connection, numbersKey(domain), texts.map(digestOfAttributes));
  return new Map(
    found.flatMap((number, i) => (number === null ? [] : [[texts[i] ?? '', Number(number)]])),
  );
}

/** Fields and values that record new numbers: of the attributes, and of their numbers. */
export function numberedFields(numbered: ReadonlyMap<string, number>): {
  attributes: string[];
  numbers: (string | number)[];
} {
  return {
    attributes: [...numbered].flatMap(([text, number]) => [number.toString(36), text]),
    numbers: [...numbered].flatMap(([text, number]) => [digestOfAttributes(text), number]),
  };
}

/** Attributes by number; undefined for a number that was not given out. */
export async function readAttributes(
  connection: Connection,
  domain: string,
  numbers: readonly number[],
): Promise<(string | null)[]> {
  const fields = numbers.map((number) => number.toString(36));
  return hmget(connection, attributesKey(domain), fields);
}
