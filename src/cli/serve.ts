import { parseArgs } from 'node:util';
import { loadScripts } from '../redis/scripts.js';
import { readSettings, SETTINGS, unknownSettings } from '../settings.js';
import { ROLES, type Role, type Sidecar, StartError, startSidecar } from '../sidecar.js';
import { createLog } from '../telemetry/log.js';
import { formatListen, type ListenAddress } from '../wire/listen.js';
import { type Command, EXIT, UsageError } from './command.js';

const width = Math.max(...Object.keys(SETTINGS).map((name) => name.length));

export const serve: Command = {
  help: `usage: tollgate serve [--role gate|keeper]

Runs the sidecar until SIGTERM or SIGINT; SIGHUP reads the policy file anew.

  --role gate     only decides calls: for the pods of agents
  --role keeper   only sums up the ledger, and does not listen for calls: once in a fleet
                  default: both, for one machine

Settings are environment variables:

${Object.entries(SETTINGS)
  .map(
    ([name, { default: value, why }]) =>
      `  ${name.padEnd(width)}  ${why}${value ? ` Default: ${value}.` : ''}`,
  )
  .join('\n')}`,

  async run(args) {
    const roles = rolesOf(args);
    const settings = readSettings(process.env);
    if ('problems' in settings) {
      console.error(`tollgate cannot start:\n${settings.problems.map((p) => `  ${p}`).join('\n')}`);
      return EXIT.wrong;
    }
    const log = createLog(settings.logLevel, settings.logFormat);
    for (const name of unknownSettings(process.env)) {
      log.warn(
        { name },
        'this environment variable is no setting of tollgate; see tollgate serve --help',
      );
    }
    let running: Sidecar | undefined;
    let signalled = '';
    const stop = (signal: string) => {
      // Another signal changes nothing: a stop is over within 10 s.
      const again = signalled !== '';
      signalled ||= signal;
      if (again || !running) return;
      log.info({ signal }, 'stopping');
      running.stop().then(() => process.exit(EXIT.ok));
    };
    // Before the start, which waits for Redis: a process with number 1 has no other handlers.
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
    process.on('SIGHUP', () => running?.reloadPolicy());
    try {
      const sidecar = await startSidecar(settings, log, loadScripts(), roles);
      log.info(
        {
          role: roles.join(' and '),
          ...(sidecar.address && { listen: formatListen(sidecar.address) }),
          ops: formatListen(sidecar.opsAddress),
          ...(sidecar.pageAddress && { page: pageUrl(sidecar.pageAddress) }),
          policy: settings.policyFile ?? 'starter policy',
        },
        settings.redis
          ? 'tollgate is ready'
          : 'tollgate is ready on the embedded engine: one process, not shared, nothing kept; set REDIS_URL for a fleet',
      );
      running = sidecar;
      if (signalled !== '') {
        await sidecar.stop();
        return EXIT.ok;
      }
      return undefined;
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      log.fatal(error.message);
      return EXIT.wrong;
    }
  },
};

function rolesOf(args: string[]): readonly Role[] {
  const { values } = parseArgs({ args, options: { role: { type: 'string' } } });
  if (values.role === undefined) return ROLES;
  const role = ROLES.find((known) => known === values.role);
  if (role) return [role];
  throw new UsageError(`--role must be ${ROLES.join(' or ')}, not "${values.role}"`);
}

/** What a browser is given. */
function pageUrl(address: ListenAddress): string {
  return 'path' in address ? formatListen(address) : `http://${formatListen(address)}/`;
}
