import { NO_ACCESS } from '../../src/redis/access.js';
import { parseRedisUrl, type RedisMode } from '../../src/redis/address.js';
import { type Connection, openConnection } from '../../src/redis/connection.js';
import { loadScripts } from '../../src/redis/scripts.js';

/** A connection, and what it has told whoever opened it. */
export interface HeardConnection {
  readonly connection: Connection;
  readonly ups: () => number;
  readonly downs: readonly string[];
}

/** Without TLS and with every right: for what only another end could show. */
export function connectHeard(
  url: string,
  mode: RedisMode = 'single',
  sentinelMaster = '',
): HeardConnection {
  const address = parseRedisUrl(url, mode);
  if (typeof address === 'string') throw new Error(address);
  let ups = 0;
  const downs: string[] = [];
  const connection = openConnection({
    address,
    access: { ...NO_ACCESS, sentinelMaster },
    scripts: loadScripts(),
    onFileProblem(what, why) {
      throw new Error(`${what}: ${why}`);
    },
    onUp() {
      ups += 1;
    },
    onDown(why) {
      downs.push(why);
    },
  });
  return { connection, ups: () => ups, downs };
}
