import type { Connection } from '../redis/connection.js';
import { redisMs } from '../redis/time.js';
import type { Logger } from '../telemetry/log.js';
import { FORMATS_KEY } from './keys.js';

/** The format that every version reads. */
export const OLDEST_FORMAT = 1;

/** How often it looks whether it is time to tell. */
const LOOK_MS = 1_000;

/** How often a living sidecar tells of itself: two times may be lost before others take it for gone. */
const TELL_MS = 5_000;

/** One that has not told for so long is taken for gone; what was heard so long ago is worth nothing. */
const GONE_MS = 15_000;

/**
 * In which format the fleet keeps windows and records. Each living sidecar tells the others the newest that it reads,
 * and all write the newest that all of them read: so an update that rolls through the fleet, or back,
 * meets nothing that it cannot read.
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
  let telling: Promise<void> | undefined;

  async function tell(): Promise<void> {
    if (!connection.ready() || performance.now() - heard.atMs < TELL_MS) return;
    const atMs = performance.now();
    try {
      heard = { format: await exchange(connection, newest), atMs };
    } catch (error) {
      log.debug({ err: error }, 'the formats of the fleet could not be read; it is tried again');
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

  const look = () => {
    telling ??= tell().finally(() => {
      telling = undefined;
    });
  };
  look();
  const timer = setInterval(look, LOOK_MS);
  timer.unref();
  return {
    current: () => (performance.now() - heard.atMs < GONE_MS ? heard.format : OLDEST_FORMAT),
    async close() {
      clearInterval(timer);
      await telling;
    },
  };
}

/** Tells which format is read here. @returns the newest that every living sidecar reads */
async function exchange(connection: Connection, newest: number): Promise<number> {
  const nowMs = await redisMs(connection);
  await connection.command('HSET', FORMATS_KEY, newest, nowMs);
  const flat = (await connection.command('HGETALL', FORMATS_KEY)) as string[];
  let format = newest;
  for (let at = 0; at < flat.length; at += 2) {
    const [read, toldMs] = [Number(flat[at]), Number(flat[at + 1])];
    if (nowMs - toldMs < GONE_MS && read >= OLDEST_FORMAT) format = Math.min(format, read);
  }
  return format;
}
