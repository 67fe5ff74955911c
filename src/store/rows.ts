import { addSums, type Sums } from '../model/spend.js';
import type { Connection } from '../redis/connection.js';
import { coarse, digestOfAttributes, formatAttributes } from './attributes.js';
import type { Group } from './batch.js';
import { attributesKey, numbersKey, spendKey } from './keys.js';
import type { Grain } from './spend.js';
import { parseSums } from './sums.js';

/** Numbers in one hash: below the 128 fields up to which Redis packs it. */
export const SHARD_SIZE = 100;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Hours for the six weeks that unusual spend is told by, days for a year and its comparison. */
const KEEP_MS: Readonly<Record<Grain, number>> = { hour: 46 * DAY_MS, day: 431 * DAY_MS };

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
  readonly hourMs: number;
  readonly inHour: number;
}

/** One hash of rows, with the new values of its rows that change. */
export interface RowShard {
  readonly key: string;
  readonly expiresAtMs: number;
  readonly sums: Map<number, Sums>;
}

/** Where a batch goes. */
export interface Placed {
  readonly shards: readonly RowShard[];
  /** Numbers that are given out by this batch. */
  readonly numbered: ReadonlyMap<string, number>;
  readonly counts: Counts;
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
        if (others >= bound.inHour || (number === undefined && next >= bound.altogether)) {
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
    for (const { group, number } of accepted) rows.add('day', group.dayMs, number, group.sums);
    waiting = merge(tooMany, bound.past);
  }
  const hourMs = Math.max(...inHour.keys());
  const newest = { next, hourMs, inHour: inHour.get(hourMs) ?? 0 };
  return { shards: rows.changed(), numbered, counts: newest };
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

async function hmget(
  connection: Connection,
  key: string,
  fields: readonly string[],
): Promise<(string | null)[]> {
  if (fields.length === 0) return [];
  return (await connection.command('HMGET', key, ...fields)) as (string | null)[];
}

interface RowName {
  readonly grain: Grain;
  readonly startMs: number;
  readonly number: number;
}

/** Rows of spend while a batch is added to them: as stored, then with what was added. */
class Rows {
  readonly #connection: Connection;
  readonly #domain: string;
  readonly #shards = new Map<string, RowShard & { readonly changed: Set<number> }>();

  constructor(connection: Connection, domain: string) {
    this.#connection = connection;
    this.#domain = domain;
  }

  /** Reads rows that are not known yet. */
  async read(names: readonly RowName[]): Promise<void> {
    const wanted = new Map<RowShard, Set<number>>();
    for (const { grain, startMs, number } of names) {
      const shard = this.#shard(grain, startMs, number);
      if (shard.sums.has(number)) continue;
      const numbers = wanted.get(shard) ?? new Set();
      wanted.set(shard, numbers.add(number));
    }
    await Promise.all(
      [...wanted].map(async ([{ key, sums }, numbers]) => {
        const fields = [...numbers];
        const texts = await hmget(
          this.#connection,
          key,
          fields.map((number) => number.toString(36)),
        );
        for (const [i, number] of fields.entries()) {
          const text = texts[i];
          if (typeof text === 'string') sums.set(number, parseSums(text));
        }
      }),
    );
  }

  has(grain: Grain, startMs: number, number: number): boolean {
    return this.#shard(grain, startMs, number).sums.has(number);
  }

  add(grain: Grain, startMs: number, number: number, more: Readonly<Sums>): void {
    const { sums, changed } = this.#shard(grain, startMs, number);
    const before = sums.get(number);
    if (before) addSums(before, more);
    else sums.set(number, { ...more });
    changed.add(number);
  }

  changed(): RowShard[] {
    return [...this.#shards.values()].flatMap(({ key, expiresAtMs, sums, changed }) =>
      changed.size === 0
        ? []
        : [
            {
              key,
              expiresAtMs,
              sums: new Map([...sums].filter(([number]) => changed.has(number))),
            },
          ],
    );
  }

  #shard(grain: Grain, startMs: number, number: number) {
    const key = spendKey(this.#domain, grain, startMs, Math.floor(number / SHARD_SIZE));
    let shard = this.#shards.get(key);
    if (!shard) {
      shard = {
        key,
        expiresAtMs: Math.ceil(startMs + KEEP_MS[grain]),
        sums: new Map(),
        changed: new Set(),
      };
      this.#shards.set(key, shard);
    }
    return shard;
  }
}
