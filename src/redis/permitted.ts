import type { Connection } from './connection.js';

/** More arguments than any command needs before Redis looks at rights. */
const MAX_ARGS = 4;

/** Whom Redis takes this connection for; undefined if it does not say. */
export async function whoAmI(connection: Connection): Promise<string | undefined> {
  try {
    return String(await connection.command('ACL', '', 'WHOAMI'));
  } catch {
    return undefined;
  }
}

/**
 * Which of these commands the user of a connection may not run with a key: asked, not tried, so that Redis' log of what
 * it has denied stays as it is.
 * @param commands as an ACL names them
 * @returns undefined if Redis does not tell it
 */
export async function deniedOf(
  connection: Connection,
  commands: readonly string[],
  key: string,
): Promise<string[] | undefined> {
  const user = await whoAmI(connection);
  if (user === undefined) return undefined;
  const denied: string[] = [];
  for (const command of commands) {
    const may = await mayRun(connection, user, command, key);
    if (may === undefined) return undefined;
    if (!may) denied.push(command);
  }
  return denied;
}

/** @returns undefined if Redis does not tell it */
async function mayRun(
  connection: Connection,
  user: string,
  command: string,
  key: string,
): Promise<boolean | undefined> {
  const isScript = /^eval(sha)?(_ro)?$/.test(command);
  const given = isScript ? ['text', 1, key] : [key, 1, 1, 1];
  // Redis looks at the number of arguments first, and at what they say not at all.
  for (let count = isScript ? given.length : 0; count <= MAX_ARGS; count += 1) {
    try {
      const words = [...command.split('|'), ...given.slice(0, count)];
      return (await connection.command('ACL', '', 'DRYRUN', user, ...words)) === 'OK';
    } catch (error) {
      if (!/wrong number of arguments/.test(String(error))) return undefined;
    }
  }
  return undefined;
}
