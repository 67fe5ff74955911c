import type { Connection } from '../redis/connection.js';

/** The Redis clock, in whole ms since the Unix epoch. */
export async function redisMs(connection: Connection): Promise<number> {
  const [seconds, us] = (await connection.command('TIME', '')) as [string, string];
  return Number(seconds) * 1000 + Math.floor(Number(us) / 1000);
}
