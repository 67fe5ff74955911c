import { readSettings, SETTINGS, unknownSettings } from '../settings.js';
import { type Sidecar, StartError, startSidecar } from '../sidecar.js';
import { createLog } from '../telemetry/log.js';
import { formatListen } from '../wire/listen.js';
import { type Command, EXIT, UsageError } from './command.js';

const width = Math.max(...Object.keys(SETTINGS).map((name) => name.length));

export const serve: Command = {
  help: `usage: tollgate serve

Runs the sidecar until SIGTERM or SIGINT; SIGHUP reads the policy file anew.
Settings are environment variables:

${Object.entries(SETTINGS)
  .map(
    ([name, { default: value, why }]) =>
      `  ${name.padEnd(width)}  ${why}${value ? ` Default: ${value}.` : ''}`,
  )
  .join('\n')}`,

  async run(args) {
    if (args.length > 0) throw new UsageError(`serve takes no arguments, but got "${args[0]}"`);
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
      const sidecar = await startSidecar(settings, log);
      log.info(
        {
          listen: formatListen(sidecar.address),
          ops: formatListen(sidecar.opsAddress),
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
