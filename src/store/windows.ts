import type { Metric } from '../model/amounts.js';
import type { Action } from '../model/decision.js';
import type { Connection } from '../redis/connection.js';
import { windowsKey } from './keys.js';

/**
 * Windows of one domain that are told of: past it new ones are in no list, and limit as ever. A window with
 * its key takes some 450 bytes, so at most 9 MB.
 */
const MAX_WINDOWS = 20_000;

/** Windows in one script, or one page of the list: it takes Redis 0.2 ms. */
const AT_ONCE = 100;

/** Windows in one read: some 100 kB at most, and Redis a tenth of a millisecond. */
const READ_AT_ONCE = 100;

/** What a gate says of a window, beside its key. Amounts are whole, in the unit of the metric. */
export interface WindowNote {
  readonly rule: string;
  readonly partition: string;
  readonly metric: Metric;
  /** Grants included, of which `granted`: they end without a word. */
  readonly limit: number;
  readonly granted: number;
  /** The length of a sliding window; undefined for one of the calendar. */
  readonly windowUs: number | undefined;
  /** "day in Asia/Singapore"; '' for a sliding window. */
  readonly calendar: string;
  /** Of the last call that it was told for. */
  readonly agent: string;
  readonly team: string;
  /** As it was in force: none denies under `mode: shadow`. */
  readonly action: Action;
  /** When that was, ms of the Redis clock. */
  readonly atMs: number;
  /** When it has slid out for certain, if nothing is told of it again. */
  readonly untilMs: number;
}

/**
 * Tells of windows.
 * @returns how many were not taken, because the list is full
 */
export async function tellWindows(
  connection: Connection,
  domain: string,
  notes: readonly (readonly [key: string, note: WindowNote])[],
): Promise<number> {
  let refused = 0;
  for (let at = 0; at < notes.length; at += AT_ONCE) {
    const some = notes.slice(at, at + AT_ONCE);
    const args = some.flatMap(([key, note]) => [key, JSON.stringify(note)]);
    const [, not = 0] = await connection.run(
      'windows',
      [windowsKey(domain)],
      [MAX_WINDOWS, ...args],
    );
    refused += Number(not);
  }
  return refused;
}

/** The windows that were told of, by key. Those that nobody can read are left out. */
export async function readWindows(
  connection: Connection,
  domain: string,
): Promise<{ notes: Map<string, WindowNote>; unread: string[] }> {
  const notes = new Map<string, WindowNote>();
  const unread: string[] = [];
  let cursor = '0';
  do {
    const [next, flat] = (await connection.command(
      ...(['HSCAN', windowsKey(domain), cursor, 'COUNT', AT_ONCE] as const),
    )) as [string, string[]];
    cursor = String(next);
    for (let at = 0; at < flat.length; at += 2) {
      const [key = '', text = ''] = flat.slice(at, at + 2);
      const note = parseNote(text);
      if (note) notes.set(key, note);
      else unread.push(key);
    }
  } while (cursor !== '0');
  return { notes, unread };
}

/** Drops windows that have slid out. */
export async function dropWindows(
  connection: Connection,
  domain: string,
  keys: readonly string[],
): Promise<void> {
  for (let at = 0; at < keys.length; at += AT_ONCE) {
    await connection.command('HDEL', windowsKey(domain), ...keys.slice(at, at + AT_ONCE));
  }
}

/** Windows as they are stored, packed (packed-window), in the order of their keys; undefined: nothing is in it. */
export async function readPacked(
  connection: Connection,
  keys: readonly string[],
): Promise<(Buffer | undefined)[]> {
  const packed: (Buffer | undefined)[] = [];
  for (let at = 0; at < keys.length; at += READ_AT_ONCE) {
    const [first = '', ...others] = keys.slice(at, at + READ_AT_ONCE);
    const values = (await connection.bytes('MGET', first, ...others)) as (Buffer | null)[];
    for (const value of values) packed.push(value ?? undefined);
  }
  return packed;
}

function parseNote(text: string): WindowNote | undefined {
  try {
    const note = JSON.parse(text) as WindowNote;
    const whole = [note.limit, note.granted, note.atMs, note.untilMs].every(Number.isFinite);
    return whole && typeof note.rule === 'string' && typeof note.partition === 'string'
      ? note
      : undefined;
  } catch {
    // Written by hand, or by a version that tells otherwise: it is dropped.
    return undefined;
  }
}
