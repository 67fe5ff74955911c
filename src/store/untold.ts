import type { Connection } from '../redis/connection.js';
import { fixOf } from '../redis/fix.js';
import type { Logger } from '../telemetry/log.js';

/**
 * Says why others were not told of something: where the user of Redis may not, once and aloud, since nobody would ever
 * hear of it; else it is tried again soon.
 * @param what was not told, and what that means
 */
export function createUntold(
  { address }: Connection,
  log: Logger,
  what: string,
): (error: unknown) => void {
  let said = false;
  return (error) => {
    if (!/NOPERM|No permissions/.test(String(error))) {
      log.debug({ err: error }, `${what}; it is tried again`);
      return;
    }
    if (!said) log.warn({ why: String(error), fix: fixOf('NOPERM', address) }, what);
    said = true;
  };
}
