import { readSettings } from '../../src/settings.js';
import { ROLES, startSidecar } from '../../src/sidecar.js';
import { createLog } from '../../src/telemetry/log.js';
import { formatListen } from '../../src/wire/listen.js';
import { nextScripts } from './next-version.js';

/** A sidecar of the next version: as `serve` starts one, with other scripts. */
async function serve(): Promise<void> {
  const settings = readSettings(process.env);
  if ('problems' in settings) throw new Error(settings.problems.join('\n'));
  const log = createLog(settings.logLevel, settings.logFormat);
  const roles = ROLES.filter((role) => process.argv[4] === undefined || role === process.argv[4]);
  const { address, opsAddress, stop } = await startSidecar(settings, log, nextScripts(), roles);
  process.on('SIGTERM', () => stop().then(() => process.exit(0)));
  const listen = address && formatListen(address);
  log.info({ listen, ops: formatListen(opsAddress) }, 'tollgate is ready');
}

void serve();
