import { type Connection, type ConnectionOptions, openConnection } from './connection.js';

const CONNECT_MS = 3_000;

/** What a connection to an engine of this process needs no value for. */
export const NO_SECRETS = { sentinelMaster: '', passwordFile: undefined } as const;

/**
 * Connects, but does not try for ever: the first failure, or no answer in 3 s, is the answer.
 * The connection is to be closed either way.
 */
export async function connectOnce(
  options: Omit<ConnectionOptions, 'onPasswordProblem' | 'onUp' | 'onDown'>,
): Promise<{ connection: Connection; problem: string | undefined }> {
  let answer = (_problem: string | undefined) => {};
  const first = new Promise<string | undefined>((resolve) => {
    answer = resolve;
    setTimeout(() => resolve(`no answer in ${CONNECT_MS} ms`), CONNECT_MS).unref();
  });
  const connection = openConnection({
    ...options,
    onPasswordProblem: (why) => answer(`the password file cannot be read: ${why}`),
    onUp: () => answer(undefined),
    onDown: (why) => answer(why),
  });
  return { connection, problem: await first };
}
