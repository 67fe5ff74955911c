import type { Connection } from '../../src/redis/connection.js';
import { connectSimulated } from '../../src/redis/simulated.js';
import { OLDEST_FORMAT } from '../../src/store/fleet-format.js';
import { readNextLua } from './next-version.js';
import { type SimulatedRedis, simulatedScripts, startSimulated } from './simulated.js';

/** Which argument of a script is the format, by its script. */
const FORMAT_AT: Readonly<Record<string, number>> = { authorize: 19, inspect: 19, unheld: 9 };

const NEXT_FORMAT = OLDEST_FORMAT + 1;

/**
 * A real Redis in which this version and the next one decide by turns, the next one in its own format: as after
 * an update that is rolled back half-way.
 */
export async function startTwoVersions(): Promise<SimulatedRedis> {
  const redis = await startSimulated('redis');
  const next = await connectSimulated(redis.address, simulatedScripts(readNextLua));
  let count = 0;
  const run: Connection['run'] = (script, keys, args) => {
    count += 1;
    // As good as chance, and the same again after a flush: so a failure can be made smaller.
    const isNext = ((Math.imul(count, 0x9e3779b1) >>> 20) & 1) === 1;
    if (!isNext) return redis.connection.run(script, keys, args);
    const at = FORMAT_AT[script];
    return next.run(script, keys, at === undefined ? args : args.with(at, NEXT_FORMAT));
  };
  return {
    ...redis,
    connection: { ...redis.connection, run },
    async flush() {
      count = 0;
      await redis.flush();
    },
    async close() {
      next.close();
      await redis.close();
    },
  };
}
