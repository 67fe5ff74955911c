import type { Connection } from './connection.js';

/** The clock of Redis, whole ms since the Unix epoch. In a Cluster, that of some node. */
export async function redisMs(connection: Connection): Promise<number> {
  const [seconds, us] = (await connection.command('TIME', '')) as [string, string];
  return Number(seconds) * 1000 + Math.floor(Number(us) / 1000);
}
