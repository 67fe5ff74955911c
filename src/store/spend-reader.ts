import { compareIds, type EventEntry, msOf } from '../model/entry.js';
import type { SpendAttributes } from '../model/spend.js';
import type { Connection } from '../redis/connection.js';
import { redisMs } from '../redis/time.js';
import { parseAttributes } from './attributes.js';
import { BEGINNING, type FoldState, readFoldState } from './fold-state.js';
import { eventsKey, spendKey, thresholdsKey } from './keys.js';
import { newestId } from './ledger-reader.js';
import { readAttributes } from './place.js';
import { readPolicies } from './policies.js';
import { KEEP_MS, SHARD_SIZE } from './rows.js';
import type { Grain, Spend, SpendRow } from './spend.js';
import { parseSums } from './sums.js';
import { type Days, storedStarts } from './zones.js';

/** Hashes in one script: full ones take Redis a millisecond. */
const KEYS_AT_ONCE = 24;

/**
 * Of the attributes that were read before, so many are read again, the newest: a Redis that has lost its last
 * writes, or all, gives their numbers to others.
 */
const READ_AGAIN = 100;

/** Since when every day is kept as a whole: a row goes so long after its day began. */
const KEPT_MS = KEEP_MS.day - 86_400_000;

/** Attributes in one reply: some 100 kB. */
const ATTRIBUTES_AT_ONCE = 500;

/** Whose days are asked for. */
export interface AskedDays {
  readonly days: Days;
  /** The timezone of the days that are asked for; those of a domain that is summed up otherwise are found by date. */
  timezone(): string;
  readonly policyTimezone?: string;
}

/**
 * Reads the spend of a domain. It keeps the attributes that it has read: one for each report.
 * @param asked undefined: by the days as they are stored
 */
export function readSpend(connection: Connection, domain: string, asked?: AskedDays): Spend {
  const attributes: (SpendAttributes | undefined)[] = [];
  /** The newest of them as text, by number. */
  let newest = new Map<number, string | null>();

  async function learnAttributes(): Promise<void> {
    const { next } = await readFoldState(connection, domain);
    const known = attributes.length;
    const from = Math.max(0, Math.min(known, next) - READ_AGAIN);
    const numbers = Array.from({ length: next - from }, (_, i) => from + i);
    const parts: Promise<(string | null)[]>[] = [];
    for (let at = 0; at < numbers.length; at += ATTRIBUTES_AT_ONCE) {
      const part = numbers.slice(at, at + ATTRIBUTES_AT_ONCE);
      parts.push(readAttributes(connection, domain, part));
    }
    const texts = (await Promise.all(parts)).flat();
    const changed = texts.some((text, i) => (newest.get(from + i) ?? text) !== text);
    if (changed || next < known) {
      attributes.length = 0;
      newest = new Map();
      return learnAttributes();
    }
    // By number: others may have read the same meanwhile.
    for (const [i, text] of texts.entries()) {
      attributes[from + i] ??= text === null ? undefined : parseAttributes(text);
    }
    newest = new Map(
      texts.slice(-READ_AGAIN).map((text, i) => {
        return [Math.max(from, next - READ_AGAIN) + i, text];
      }),
    );
  }

  async function storedAs(grain: Grain, startsMs: readonly number[]) {
    const { zones } = await readFoldState(connection, domain);
    const timezone = asked?.timezone();
    const moved = zones.some((zone) => zone.timezone !== timezone);
    if (!asked || timezone === undefined || !moved) {
      return startsMs.map((startMs) => ({ startMs, storedMs: startMs }));
    }
    return storedStarts(zones, grain, startsMs, timezone, asked.days);
  }

  /** Numbers that are asked for, by shard; no numbers are all of them. */
  function shardsOf(only: ((of: SpendAttributes) => boolean) | undefined): Map<number, string[]> {
    const shards = new Map<number, string[]>();
    for (const [number, of] of attributes.entries()) {
      if (!of || (only && !only(of))) continue;
      const shard = Math.floor(number / SHARD_SIZE);
      const fields = shards.get(shard) ?? [];
      if (only) fields.push(number.toString(36));
      shards.set(shard, fields);
    }
    return shards;
  }

  function parseRows(startMs: number, text: string): SpendRow[] {
    const rows: SpendRow[] = [];
    if (text === '') return rows;
    const lines = text.split('\n');
    for (let at = 0; at + 1 < lines.length; at += 2) {
      const of = attributes[Number.parseInt(lines[at] ?? '', 36)];
      // One that was given out after the attributes were read comes with the next report.
      if (of) rows.push({ startMs, attributes: of, sums: parseSums(lines[at + 1] ?? '') });
    }
    return rows;
  }

  async function* rows(
    grain: Grain,
    startsMs: readonly number[],
    only?: (of: SpendAttributes) => boolean,
  ): AsyncGenerator<readonly SpendRow[]> {
    await learnAttributes();
    const stored = await storedAs(grain, startsMs);
    const asks: { starts: number[]; keys: string[]; fields: string[] }[] = [];
    for (const [shard, fields] of shardsOf(only)) {
      for (const { startMs, storedMs } of stored) {
        let ask = asks.at(-1);
        // Whole hashes of several shards fit in one script; fields are those of one shard.
        const fits = ask && ask.keys.length < KEYS_AT_ONCE && (!only || ask.fields === fields);
        if (!ask || !fits) {
          ask = { starts: [], keys: [], fields };
          asks.push(ask);
        }
        ask.starts.push(startMs);
        ask.keys.push(spendKey(domain, grain, storedMs, shard));
      }
    }
    const ask = (at: number) => {
      const one = asks[at];
      const reply = one && connection.run('spend', one.keys, one.fields);
      // Waited for in its turn, which may never come.
      reply?.catch(() => {});
      return reply;
    };
    // The next is on its way while one is read: never more, so that decisions come between.
    let reply = ask(0);
    for (const [at, { starts }] of asks.entries()) {
      const texts = await reply;
      reply = ask(at + 1);
      const batch = starts.flatMap((ms, i) => parseRows(ms, String(texts?.[i] ?? '')));
      if (batch.length > 0) yield batch;
    }
  }

  return {
    rows,
    async events(fromMs, toMs) {
      const keys = [eventsKey(domain), thresholdsKey(domain)];
      const texts = await Promise.all(
        keys.map((key) => connection.command('ZRANGEBYSCORE', key, fromMs, `(${toMs}`)),
      );
      const events = (texts as string[][]).flat().map((text) => JSON.parse(text) as EventEntry);
      // Of one millisecond they come in the order of their text.
      return events.sort((a, b) => compareIds(a.id, b.id));
    },
    policies: () => readPolicies(connection, domain),
    async agents() {
      await learnAttributes();
      return new Set(attributes.flatMap((of) => (of ? [of.agent] : [])));
    },
    async known() {
      const state = await readFoldState(connection, domain);
      const firstMs = Math.min(state.sinceMs ?? Infinity, state.importedSinceMs ?? Infinity);
      if (firstMs === Infinity) return undefined;
      const nowMs = await redisMs(connection);
      const keptMs = nowMs - KEPT_MS;
      const lastId = await newestId(connection, domain);
      return {
        sinceMs: Math.max(firstMs, keptMs),
        untilMs: knownUntilMs(state, lastId, nowMs),
        forgotten: firstMs < keptMs,
        lost: { entries: state.lost, lastMs: state.lostMs },
        aside: { entries: state.aside, lastMs: state.asideMs },
        crowdedMs: state.crowdedMs,
        aheadMs: lastId === undefined ? 0 : Math.max(0, msOf(lastId) - nowMs),
        zones: state.zones,
        policyTimezone: asked?.policyTimezone,
      };
    },
  };
}

/** With nothing left to be folded, all is known until now. */
function knownUntilMs(
  { position, imported }: FoldState,
  lastId: string | undefined,
  nowMs: number,
): number {
  if (lastId === undefined || lastId === position) return nowMs;
  return msOf(position === BEGINNING ? imported : position);
}
