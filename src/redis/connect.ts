import { type Connection, type ConnectionOptions, openConnection } from './connection.js';

const CONNECT_MS = 3_000;

/**
 * Connects, but does not try for ever: the first failure, or no answer in 3 s, is the answer.
 * The connection is to be closed either way.
 */
export async function connectOnce(
  options: Omit<ConnectionOptions, 'onFileProblem' | 'onUp' | 'onDown'>,
): Promise<{ connection: Connection; problem: string | undefined }> {
  let answer = (_problem: string | undefined) => {};
  const first = new Promise<string | undefined>((resolve) => {
    answer = resolve;
    setTimeout(() => resolve(`no answer in ${CONNECT_MS} ms`), CONNECT_MS).unref();
  });
  const connection = openConnection({
    ...options,
    onFileProblem: (what, why) => answer(`${what} cannot be used: ${why}`),
    onUp: () => answer(undefined),
    onDown: (why) => answer(why),
  });
  return { connection, problem: await first };
}
