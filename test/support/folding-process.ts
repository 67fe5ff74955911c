import type { Connection } from '../../src/redis/connection.js';
import { loadScripts } from '../../src/redis/scripts.js';
import { newFolder } from '../../src/store/commit.js';
import { foldBatch } from '../../src/store/fold.js';
import { UTC } from './ledger.js';
import { connectPlainly } from './plain-redis.js';

/**
 * A process that folds, and ends itself at a moment that its caller has chosen: just before or after it
 * sends its nth command to Redis, or with the reply in hand. `SIGSTOP` sleeps instead, until SIGCONT.
 * Arguments: URL, domain, entries in a batch, n, when, signal.
 */
const [url = '', domain = '', count, nth, when = '', signal = 'SIGKILL'] = process.argv.slice(2);

let commands = 0;

const { port, password } = new URL(url);
const redis = connectPlainly(Number(port));
const scripts = loadScripts();

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

/** What folding needs of a connection. */
const connection = {
  run: (script, keys, args) =>
    send(() => redis.send('EVAL', scripts[script], keys.length, ...keys, ...args)),
  command: (name, key, ...args) => send(() => redis.send(name, key, ...args)),
} as Pick<Connection, 'run' | 'command'> as Connection;

async function fold(): Promise<void> {
  if (password !== '') await redis.send('AUTH', password);
  await redis.send('PING');
  process.stdout.write('ready\n');
  const folder = newFolder();
  let beaten = 0;
  for (let more = true; more; ) {
    const step = await foldBatch(connection, domain, folder, UTC, Number(count));
    more = step.step === 'beaten' || step.more;
    if (step.step === 'beaten') beaten += 1;
  }
  process.stdout.write(`done ${beaten}\n`);
  redis.close();
}

void fold();
