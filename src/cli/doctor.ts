import { parseArgs } from 'node:util';
import { readSettings } from '../settings.js';
import { type Command, EXIT } from './command.js';
import { examine } from './examine.js';
import type { Finding } from './finding.js';

export const doctor: Command = {
  help: `usage: tollgate doctor

Connects to REDIS_URL as the sidecar would, checks it, and names the fix of each failure. It writes
only to a domain of its own, and removes what it wrote.
Exit codes: 0 good, 1 something is wrong.`,

  async run(args) {
    parseArgs({ args, options: {} });
    const settings = readSettings(process.env);
    if ('problems' in settings) {
      return print(
        settings.problems.map((what) => ({
          state: 'fail',
          what,
          fix: 'correct the environment variable',
        })),
      );
    }
    if (!settings.redis) {
      return print([
        {
          state: 'warn',
          what: 'REDIS_URL is not set: a sidecar would use its embedded engine, which is not shared and keeps nothing',
          fix: 'set REDIS_URL to the Redis of the fleet',
        },
      ]);
    }
    return print(await examine(settings, settings.redis));
  },
};

function print(findings: readonly Finding[]): number {
  for (const { state, what, fix } of findings) {
    console.log(`${state.padEnd(4)}  ${what}${fix === undefined ? '' : `\n      fix: ${fix}`}`);
  }
  return findings.some(({ state }) => state === 'fail') ? EXIT.wrong : EXIT.ok;
}
