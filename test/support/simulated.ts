import type { Entry } from '../../src/model/entry.js';
import { parseRedisUrl, type RedisAddress } from '../../src/redis/address.js';
import type { Connection } from '../../src/redis/connection.js';
import { openConnection } from '../../src/redis/connection.js';
import { type EmbeddedRedis, startEmbeddedRedis } from '../../src/redis/embedded.js';
import { loadScripts, readLua, type Scripts } from '../../src/redis/scripts.js';
import { readEntries } from './entries.js';
import { LEDGER } from './question.js';
import { NO_REDIS, startRedis } from './redis.js';
import { until } from './until.js';

/** Where the simulated clock stands, and where each key's end is kept. */
const NOW_KEY = 'simulated:now';
const ENDS_KEY = 'simulated:ends';

/**
 * The product's scripts on a clock that the test sets. Only the two includes that touch time are
 * replaced: `now_us` reads the simulated clock, and `keep` notes when a key ends instead of letting
 * Redis do it; SimulatedRedis.setClock removes what has ended.
 */
export function simulatedScripts(): Scripts {
  return loadScripts((file) => {
    if (file === 'include/now_us.lua') {
      return `local function now_us() return tonumber(redis.call('GET', '${NOW_KEY}')) end\n`;
    }
    if (file === 'include/keep.lua') {
      return `local function keep(key, value, ttl_ms)
  redis.call('SET', key, value)
  redis.call('HSET', '${ENDS_KEY}', key, string.format('%.0f', tonumber(redis.call('GET', '${NOW_KEY}')) + ttl_ms * 1000))
end
`;
    }
    return readLua(file);
  });
}

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
  const real = engine === 'redis' ? await startRedis() : undefined;
  const embedded: EmbeddedRedis | undefined = real ? undefined : await startEmbeddedRedis();
  const scripts = embedded ? embedded.adapt(simulatedScripts()) : simulatedScripts();
  const address = real ? parseRedisUrl(real.url, 'single') : embedded?.address;
  if (address === undefined || typeof address === 'string') throw new Error('no address');
  const connection = openConnection({
    address,
    sentinelMaster: '',
    passwordFile: undefined,
    scripts,
    onPasswordProblem: () => {},
    onUp: () => {},
    onDown: () => {},
  });
  await until('the connection to be ready', connection.ready);
  const ends = async () => {
    const flat = (await connection.command('HGETALL', ENDS_KEY)) as string[];
    return flat.flatMap((key, i) => (i % 2 === 0 ? [[key, Number(flat[i + 1])] as const] : []));
  };
  let simulatedUs = 0;
  return {
    address,
    scripts,
    connection,
    async setClock(us) {
      simulatedUs = us;
      await connection.command('SET', NOW_KEY, us);
      for (const [key, end] of await ends()) {
        if (end > us) continue;
        await connection.command('DEL', key);
        await connection.command('HDEL', ENDS_KEY, key);
      }
    },
    async dump() {
      const state: Record<string, string> = {};
      for (const [key, end] of await ends()) {
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
      await connection.command('SET', NOW_KEY, simulatedUs);
    },
    async close() {
      connection.close();
      await real?.stop();
      await embedded?.close();
    },
  };
}
