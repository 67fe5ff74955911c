import { addSums, type Sums } from '../model/spend.js';
import type { Connection } from '../redis/connection.js';
import { spendKey } from './keys.js';
import type { Grain } from './spend.js';
import { parseSums } from './sums.js';

/** Numbers in one hash: below the 128 fields up to which Redis packs it. */
export const SHARD_SIZE = 100;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Hours for the six weeks that unusual spend is told by, days for a year and its comparison. */
export const KEEP_MS: Readonly<Record<Grain, number>> = { hour: 46 * DAY_MS, day: 431 * DAY_MS };

/** One hash of rows, with the new values of its rows that change. */
export interface RowShard {
  readonly key: string;
  readonly expiresAtMs: number;
  readonly sums: Map<number, Sums>;
}

/** Fields of a hash, of which there may be none. */
export async function hmget(
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
export class Rows {
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
