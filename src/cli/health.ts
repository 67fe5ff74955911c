import { parseArgs } from 'node:util';
import { setting } from '../settings.js';
import { formatListen, type ListenAddress, parseListen } from '../wire/listen.js';
import { get } from '../wire/node-http.js';
import { type Command, EXIT } from './command.js';

/** A sidecar that is well answers in one. The healthcheck of the image gives the whole command 3 s. */
const ANSWER_MS = 2_000;

export const health: Command = {
  help: `usage: tollgate health

Asks the sidecar on this machine whether it is ready, as a healthcheck does: exit code 0 if it is,
1 if it is not, with a line that says why.

It asks /readyz on the port of TOLLGATE_OPS_LISTEN. Redis does not decide it: a sidecar without
Redis still answers calls, as its policy says.`,

  async run(args) {
    parseArgs({ args, options: {} });
    const listen = parseListen(setting(process.env, 'TOLLGATE_OPS_LISTEN'));
    if (typeof listen === 'string') {
      console.error(`TOLLGATE_OPS_LISTEN: ${listen}`);
      return EXIT.wrong;
    }
    if ('port' in listen && listen.port === 0) {
      console.error('TOLLGATE_OPS_LISTEN leaves the port to chance: give both the same port');
      return EXIT.wrong;
    }
    const address = fromHere(listen);
    const problem = await problemOf(address);
    if (problem === undefined) {
      console.log(`tollgate is ready (${formatListen(address)})`);
      return EXIT.ok;
    }
    console.error(`tollgate is not ready: ${problem}`);
    return EXIT.wrong;
  },
};

/** Where one connects to what listens there: every address of a machine is reached by its loopback. */
function fromHere(listen: ListenAddress): ListenAddress {
  if ('path' in listen) return listen;
  if (listen.host === '0.0.0.0') return { ...listen, host: '127.0.0.1' };
  return /^[0:]+$/.test(listen.host) ? { ...listen, host: '::1' } : listen;
}

/** @returns what is wrong; undefined if it is ready */
function problemOf(address: ListenAddress): Promise<string | undefined> {
  const there = formatListen(address);
  return new Promise((resolve) => {
    // Not fetch, which takes as long to load as all the rest.
    const asked = get(
      {
        ...('path' in address ? { socketPath: address.path } : address),
        path: '/readyz',
        agent: false,
        // The whole exchange: a timeout of the socket would start anew with each byte.
        signal: AbortSignal.timeout(ANSWER_MS),
      },
      (response) => {
        response.resume();
        const { statusCode: code } = response;
        if (code === 200) resolve(undefined);
        else if (code === 503) resolve('it is starting or stopping');
        else resolve(`${there} answers ${code} to /readyz, so something else listens there`);
      },
    );
    asked.once('error', (error: NodeJS.ErrnoException) => {
      if (error.name === 'AbortError') {
        resolve(`${there} has not answered in ${ANSWER_MS} ms; it hangs, or is short of CPU`);
      } else if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') {
        resolve(
          `nothing listens on ${there}; it does not run, or with another TOLLGATE_OPS_LISTEN`,
        );
      } else {
        resolve(`${there}: ${error.message}`);
      }
    });
  });
}
