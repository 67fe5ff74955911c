import type { Connection } from '../redis/connection.js';
import { redisMs } from '../redis/time.js';
import { digestOfAttributes } from './attributes.js';
import type { FoldState } from './fold-state.js';
import { seenKey } from './keys.js';
import { BOUNDS, readAttributes } from './place.js';
import { KEEP_MS } from './rows.js';

/** Freed with one batch: so many that they go faster than new ones come. */
const FREED_AT_ONCE = 250;

/** Looked for once so many are in use: until then they take little memory, and a look would be for nothing. */
const LOOKED_FOR_FROM = (BOUNDS[0]?.altogether ?? 0) / 2;

/** Attributes whose last row has ended: their numbers are free again. */
export interface Unused {
  /** Numbers as text, and the digests that find them. */
  readonly numbers: readonly string[];
  readonly digests: readonly string[];
}

export const NOTHING_UNUSED: Unused = { numbers: [], digests: [] };

/** @param used numbers that have a new row by now */
export async function findUnused(
  connection: Connection,
  domain: string,
  { next, freed }: FoldState,
  used: ReadonlyMap<number, number>,
): Promise<Unused> {
  if (next - freed < LOOKED_FOR_FROM) return NOTHING_UNUSED;
  const nowMs = await redisMs(connection);
  const found = (await connection.command(
    ...(['ZRANGEBYSCORE', seenKey(domain), '-inf', nowMs - KEEP_MS.day] as const),
    ...(['LIMIT', 0, FREED_AT_ONCE] as const),
  )) as string[];
  const numbers = found.filter((text) => !used.has(Number.parseInt(text, 36)));
  const texts = await readAttributes(
    connection,
    domain,
    numbers.map((text) => Number.parseInt(text, 36)),
  );
  return {
    numbers,
    digests: texts.flatMap((text) => (text === null ? [] : [digestOfAttributes(text)])),
  };
}
