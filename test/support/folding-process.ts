import { openConnection } from '../../src/redis/connection.js';
import { loadScripts } from '../../src/redis/scripts.js';
import { newFolder } from '../../src/store/commit.js';
import { foldBatch } from '../../src/store/fold.js';
import { UTC } from './ledger.js';

/**
 * A process that folds, and ends itself at a moment that its caller has chosen: just before or after it
 * sends its nth command to Redis, or with the reply in hand. `SIGSTOP` sleeps instead, until SIGCONT.
 * Arguments: port, domain, entries in a batch, n, when, signal.
 */
const [port, domain = '', count, nth, when = '', signal = 'SIGKILL'] = process.argv.slice(2);

let commands = 0;

const real = openConnection({
  address: {
    mode: 'single',
    nodes: [{ host: '127.0.0.1', port: Number(port) }],
    path: undefined,
    tls: false,
    username: undefined,
    password: undefined,
    db: 0,
  },
  sentinelMaster: '',
  passwordFile: undefined,
  scripts: loadScripts(),
  onPasswordProblem: () => {},
  onUp: () => void fold(),
  onDown: () => {},
});

async function send<T>(work: () => Promise<T>): Promise<T> {
  commands += 1;
  const isIt = commands === Number(nth);
  const meet = (moment: string) => {
    if (isIt && moment === when) process.kill(process.pid, signal as NodeJS.Signals);
  };
  meet('before');
  const reply = work();
  setImmediate(() => meet('sent'));
  await reply;
  meet('replied');
  return reply;
}

const connection = {
  ...real,
  run: (...args: Parameters<typeof real.run>) => send(() => real.run(...args)),
  command: (...args: Parameters<typeof real.command>) => send(() => real.command(...args)),
};

async function fold(): Promise<void> {
  process.stdout.write('ready\n');
  const folder = newFolder();
  let beaten = 0;
  for (let more = true; more; ) {
    const step = await foldBatch(connection, domain, folder, UTC, Number(count));
    more = step.step === 'beaten' || step.more;
    if (step.step === 'beaten') beaten += 1;
  }
  process.stdout.write(`done ${beaten}\n`);
  real.close();
}
