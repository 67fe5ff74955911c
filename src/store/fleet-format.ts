import { startRound } from '../model/round.js';
import type { Connection } from '../redis/connection.js';
import { redisMs } from '../redis/time.js';
import type { Logger } from '../telemetry/log.js';
import { fieldsOf } from './flat.js';
import { FORMATS_KEY } from './keys.js';
import { createUntold } from './untold.js';

/** The format that every version reads. */
export const OLDEST_FORMAT = 1;

/** How often it looks whether it is time to tell. */
const LOOK_MS = 1_000;

/** How often a living sidecar tells of itself: two times may be lost before others take it for gone. */
const TELL_MS = 5_000;

/** One that has not told for so long is taken for gone; what was heard so long ago is worth nothing. */
const GONE_MS = 15_000;

/** Where nobody has told for so long, Redis was away, frozen or restored: who lives is not known. */
const SILENCE_MS = 10_000;

/** Since when somebody has told without such a silence: beside the formats. */
const SINCE_FIELD = 'since';

/**
 * In which format the fleet keeps windows and records. Each living sidecar tells the others the newest that it reads,
 * and all write the newest that all of them read: so an update that rolls through the fleet, or back,
 * meets nothing that it cannot read. It becomes newer only when all who live had time to tell; older, at once.
 */
export interface FleetFormat {
  /** What to write: the oldest until the others were heard, and while they are not. */
  current(): number;
  close(): Promise<void>;
}

export function followFleetFormat(connection: Connection, log: Logger): FleetFormat {
  const newest = connection.format;
  let heard = { format: OLDEST_FORMAT, atMs: Number.NEGATIVE_INFINITY };
  let said = OLDEST_FORMAT;
  let triedMs = Number.NEGATIVE_INFINITY;
  const untold = createUntold(
    connection,
    log,
    'other sidecars were not told which formats this one reads (tg:formats): a newer version may not wait for it',
  );

  async function tell(): Promise<void> {
    const atMs = performance.now();
    if (!connection.ready() || atMs - triedMs < TELL_MS) return;
    triedMs = atMs;
    try {
      heard = { format: await exchange(connection, newest, heard.format), atMs };
    } catch (error) {
      untold(error);
      return;
    }
    if (heard.format === said) return;
    said = heard.format;
    log.info(
      { format: said, newest },
      said === newest
        ? 'what is kept in Redis is written in the newest format from now on: all sidecars read it'
        : 'what is kept in Redis is written in an older format from now on: a sidecar lives that reads no newer one',
    );
  }

  const round = startRound(tell, LOOK_MS);
  return {
    current: () => (performance.now() - heard.atMs < GONE_MS ? heard.format : OLDEST_FORMAT),
    close: round.end,
  };
}

/**
 * Tells which format is read here.
 * @param was the one that is written until now
 * @returns the newest that every living sidecar reads, as far as that is known
 */
async function exchange(connection: Connection, newest: number, was: number): Promise<number> {
  const nowMs = await redisMs(connection);
  const { told, sinceMs } = await readTold(connection);
  const lastMs = Math.max(...told.map(({ toldMs }) => toldMs), 0);
  const isNew = sinceMs === undefined || nowMs - lastMs > SILENCE_MS;
  const since = isNew ? [SINCE_FIELD, nowMs] : [];
  await connection.command('HSET', FORMATS_KEY, newest, nowMs, ...since);
  const living = told.filter(({ toldMs }) => nowMs - toldMs < GONE_MS);
  const format = Math.min(newest, ...living.map(({ read }) => read));
  const allHaveTold = !isNew && nowMs - sinceMs >= GONE_MS;
  return allHaveTold ? format : Math.min(format, was);
}

interface Told {
  readonly told: readonly { readonly read: number; readonly toldMs: number }[];
  readonly sinceMs: number | undefined;
}

async function readTold(connection: Connection): Promise<Told> {
  const fields = fieldsOf((await connection.command('HGETALL', FORMATS_KEY)) as string[]);
  const told = Object.entries(fields)
    .map(([format, ms]) => ({ read: Number(format), toldMs: Number(ms) }))
    .filter(({ read, toldMs }) => read >= OLDEST_FORMAT && Number.isFinite(toldMs));
  const since = fields[SINCE_FIELD];
  return { told, sinceMs: since === undefined ? undefined : Number(since) };
}
