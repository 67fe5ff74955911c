import { NO_ACCESS } from './access.js';
import type { RedisAddress } from './address.js';
import { connectOnce } from './connect.js';
import type { Connection } from './connection.js';
import { startEmbeddedRedis } from './embedded.js';
import { loadScripts, readLua, type Scripts } from './scripts.js';

/** Where the simulated clock stands, and when each key ends: a sorted set. */
const NOW_KEY = 'simulated:now';
const ENDS_KEY = 'simulated:ends';

/** Keys that are removed with one command. */
const REMOVED_AT_ONCE = 500;

/**
 * The scripts on a clock that somebody sets. Only the two includes that touch time are replaced:
 * `now_us` reads the simulated clock, and `keep` notes when a key ends instead of letting Redis do it;
 * SimulatedClock.set removes what has ended. So months of traffic take minutes, and end as they did.
 * @param read gives the text of the other files below lua/
 */
export function simulatedScripts(read: (file: string) => string = readLua): Scripts {
  return loadScripts((file) => {
    if (file === 'include/now_us.lua') {
      return `local function now_us() return tonumber(redis.call('GET', '${NOW_KEY}')) end\n`;
    }
    if (file === 'include/keep.lua') {
      return `local function keep(key, value, ttl_ms)
  redis.call('SET', key, value)
  local ends = tonumber(redis.call('GET', '${NOW_KEY}')) + ttl_ms * 1000
  redis.call('ZADD', '${ENDS_KEY}', string.format('%.0f', ends), key)
end
`;
    }
    return read(file);
  });
}

/** The clock of a Redis that runs the simulated scripts. */
export interface SimulatedClock {
  /** Sets it, and removes the keys whose end has come. */
  set(us: number): Promise<void>;
  /** Every key that ends, and when, in microseconds. */
  ends(): Promise<(readonly [key: string, endUs: number])[]>;
}

export function simulatedClock(connection: Connection): SimulatedClock {
  return {
    async set(us) {
      const [, ended] = await Promise.all([
        connection.command('SET', NOW_KEY, us),
        connection.command('ZRANGEBYSCORE', ENDS_KEY, '-inf', us),
      ]);
      const keys = ended as string[];
      for (let at = 0; at < keys.length; at += REMOVED_AT_ONCE) {
        const some = keys.slice(at, at + REMOVED_AT_ONCE);
        await connection.command('DEL', '', ...some);
        await connection.command('ZREM', ENDS_KEY, ...some);
      }
    },
    async ends() {
      const reply = await connection.command('ZRANGE', ENDS_KEY, 0, -1, 'WITHSCORES');
      // Pairs by the newer protocol of Redis, a flat list by the older.
      const flat = (reply as unknown[]).flat();
      return flat.flatMap((key, i) =>
        i % 2 === 0 ? [[String(key), Number(flat[i + 1])] as const] : [],
      );
    },
  };
}

/** A Redis inside this process whose clock somebody sets. */
export interface SimulatedRedis {
  readonly address: RedisAddress;
  /** The scripts as this engine takes them. */
  readonly scripts: Scripts;
  readonly connection: Connection;
  readonly clock: SimulatedClock;
  close(): Promise<void>;
}

export async function startSimulatedRedis(): Promise<SimulatedRedis> {
  const engine = await startEmbeddedRedis();
  const { address } = engine;
  const scripts = engine.adapt(simulatedScripts());
  const connection = await connectSimulated(address, scripts);
  return {
    address,
    scripts,
    connection,
    clock: simulatedClock(connection),
    async close() {
      connection.close();
      await engine.close();
    },
  };
}

/** A connection that is up; throws if there is nothing to connect to. */
export async function connectSimulated(
  address: RedisAddress,
  scripts: Scripts,
): Promise<Connection> {
  const { connection, problem } = await connectOnce({ access: NO_ACCESS, address, scripts });
  if (problem === undefined) return connection;
  connection.close();
  throw new Error(`the simulated Redis cannot be reached: ${problem}`);
}
