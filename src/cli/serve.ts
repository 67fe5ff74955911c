import { readSettings, SETTINGS, unknownSettings } from '../settings.js';
import { StartError, startSidecar } from '../sidecar.js';
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
      process.on('SIGHUP', sidecar.reloadPolicy);
      let stopping = false;
      const stop = (signal: string) => {
        // Another signal changes nothing: a stop is over within 10 s.
        if (stopping) return;
        stopping = true;
        log.info({ signal }, 'stopping');
        sidecar.stop().then(() => process.exit(EXIT.ok));
      };
      process.on('SIGTERM', stop);
      process.on('SIGINT', stop);
      return undefined;
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      log.fatal(error.message);
      return EXIT.wrong;
    }
  },
};
