import type { RedisAddress } from '../redis/address.js';
import { type Connection, openConnection } from '../redis/connection.js';
import { loadScripts } from '../redis/scripts.js';
import type { Settings } from '../settings.js';

const CONNECT_MS = 3_000;

/**
 * Connects to a Redis as a sidecar would, but does not try for ever: the first failure is the answer.
 * The connection is to be closed either way.
 */
export async function connect(
  settings: Settings,
  address: RedisAddress,
): Promise<{ connection: Connection; problem: string | undefined }> {
  let answer = (_problem: string | undefined) => {};
  const first = new Promise<string | undefined>((resolve) => {
    answer = resolve;
    setTimeout(() => resolve(`no answer in ${CONNECT_MS} ms`), CONNECT_MS).unref();
  });
  const connection = openConnection({
    address,
    sentinelMaster: settings.sentinelMaster,
    passwordFile: settings.redisPasswordFile,
    scripts: loadScripts(),
    onPasswordProblem: (why) => answer(`the password file cannot be read: ${why}`),
    onUp: () => answer(undefined),
    onDown: (why) => answer(why),
  });
  return { connection, problem: await first };
}
