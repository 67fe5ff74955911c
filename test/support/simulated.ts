import type { Entry } from '../../src/model/entry.js';
import { parseRedisUrl, type RedisAddress } from '../../src/redis/address.js';
import type { Connection } from '../../src/redis/connection.js';
import type { Scripts } from '../../src/redis/scripts.js';
import {
  connectSimulated,
  simulatedClock,
  simulatedScripts,
  startSimulatedRedis,
} from '../../src/redis/simulated.js';
import { LEDGER } from './question.js';
import { NO_REDIS, startRedis } from './redis.js';
import { readEntries } from './stream.js';

export { simulatedScripts };

/** A value is bytes, so it is compared by its hash. */
const DIGEST = `local value = redis.call('GET', ARGV[1])
return value and redis.sha1hex(value) or ''`;

/** A Redis, real or embedded, whose clock is the test's. */
export interface SimulatedRedis {
  readonly address: RedisAddress;
  /** The scripts as this engine takes them. */
  readonly scripts: Scripts;
  readonly connection: Connection;
  /** Sets the clock, and removes the keys whose end has come. */
  setClock(us: number): Promise<void>;
  /** Every key of the product with its value and its end. */
  dump(): Promise<Record<string, string>>;
  /** What the ledger has; every entry can be read. */
  ledger(): Promise<Entry[]>;
  flush(): Promise<void>;
  close(): Promise<void>;
}

export type Engine = 'redis' | 'embedded';

/** The engines that this machine has. */
export const ENGINES: readonly { engine: Engine; skip: string | false }[] = [
  { engine: 'redis', skip: NO_REDIS },
  { engine: 'embedded', skip: false },
];

export async function startSimulated(engine: Engine): Promise<SimulatedRedis> {
  const { address, scripts, connection, close } =
    engine === 'redis' ? await startReal() : await startSimulatedRedis();
  const clock = simulatedClock(connection);
  let simulatedUs = 0;
  return {
    address,
    scripts,
    connection,
    async setClock(us) {
      simulatedUs = us;
      await clock.set(us);
    },
    async dump() {
      const state: Record<string, string> = {};
      for (const [key, end] of await clock.ends()) {
        const digest = await connection.command('EVAL', '', DIGEST, 0, key);
        if (digest !== '') state[key] = `${String(digest)} until ${end}`;
      }
      return state;
    },
    async ledger() {
      return readEntries(await connection.command('XRANGE', LEDGER, '-', '+'));
    },
    async flush() {
      await connection.command('FLUSHALL', '');
      await clock.set(simulatedUs);
    },
    close,
  };
}

async function startReal() {
  const redis = await startRedis();
  // Its clock is in keys that no user of the product may have.
  const address = parseRedisUrl(redis.plainUrl, 'single');
  if (typeof address === 'string') throw new Error(address);
  const scripts = simulatedScripts();
  const connection = await connectSimulated(address, scripts);
  return {
    address,
    scripts,
    connection,
    async close() {
      connection.close();
      await redis.stop();
    },
  };
}
