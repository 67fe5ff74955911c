import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { ADMIN_PASSWORD, SECURED, securedOptions } from './secured.js';
import { until } from './until.js';

/** A redis-server of its own, as a child process. */
export interface RedisProcess {
  /** Where processes of the product connect. */
  readonly port: number;
  readonly url: string;
  /** The same for what speaks plainly, and may do everything. */
  readonly plainPort: number;
  readonly plainUrl: string;
  /** A plain client, to look and to meddle. */
  readonly client: Redis;
  signal(name: NodeJS.Signals): void;
  /** Kills it; start it again on the same port with restart. */
  kill(): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Why tests with a real Redis cannot run here; false if they can. In CI nothing is skipped: a
 * machine without redis-server fails there.
 */
export const NO_REDIS: string | false = (() => {
  try {
    execFileSync('redis-server', ['--version']);
    return false;
  } catch {
    if (process.env['CI']) throw new Error('redis-server is missing, and CI skips nothing');
    return 'redis-server is not installed (apt-get install redis-server)';
  }
})();

export function startRedis(...options: string[]): Promise<RedisProcess> {
  // A test with a password of its own is about that.
  return start(SECURED && !options.includes('--requirepass'), options);
}

/** One that takes processes by TLS and as the users of k8s/acl, whichever way the suite runs. */
export function startSecuredRedis(...options: string[]): Promise<RedisProcess> {
  return start(true, options);
}

async function start(secured: boolean, options: string[]): Promise<RedisProcess> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-redis-'));
  const tlsPort = secured ? await freePort() : port;
  const all = secured ? [...options, ...securedOptions(tlsPort)] : options;
  let child = await launch(port, folder, all);
  const at = options.indexOf('--requirepass');
  const password = secured ? ADMIN_PASSWORD : at < 0 ? undefined : options[at + 1];
  const client = new Redis({
    port,
    ...(password ? { password } : {}),
    retryStrategy: () => 20,
  });
  client.on('error', () => {});
  const kill = async () => {
    child.kill('SIGCONT');
    const gone = new Promise((resolve) => child.once('exit', resolve));
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await gone;
    }
  };
  return {
    port: tlsPort,
    url: redisUrl(tlsPort, secured),
    plainPort: port,
    plainUrl: `redis://${secured ? `:${ADMIN_PASSWORD}@` : ''}127.0.0.1:${port}`,
    client,
    signal: (name) => child.kill(name),
    kill,
    async restart() {
      child = await launch(port, folder, all);
      await until('the plain client to be back', () => client.status === 'ready');
    },
    async stop() {
      const denied = secured && client.status === 'ready' ? await deniedBy(client) : [];
      client.disconnect();
      await kill();
      rmSync(folder, { recursive: true, force: true });
      if (denied.length > 0) throw new Error(`Redis has denied its users: ${denied.join('; ')}`);
    },
  };
}

/** What a user of k8s/acl has tried and may not: a test that means it resets the log (ACL LOG RESET). */
async function deniedBy(client: Redis): Promise<string[]> {
  const entries = (await client.call('ACL', 'LOG').catch(() => [])) as unknown[][];
  const field = (entry: unknown[], name: string) => String(entry[entry.indexOf(name) + 1]);
  return entries
    .filter((entry) => field(entry, 'reason') !== 'auth')
    .map((entry) => `${field(entry, 'username')}: ${field(entry, 'object')}`);
}

/** How a process of the product names a port, of a Redis or of a proxy before one. */
export function redisUrl(port: number, secured = SECURED): string {
  return `redis${secured ? 's' : ''}://127.0.0.1:${port}`;
}

async function launch(port: number, folder: string, options: string[]): Promise<ChildProcess> {
  const child = spawn(
    'redis-server',
    ['--port', String(port), '--dir', folder, '--save', '', ...options],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let log = '';
  child.stdout.on('data', (chunk) => {
    log += String(chunk);
  });
  await until('redis-server to be ready', () => {
    if (child.exitCode !== null) throw new Error(`redis-server has ended:\n${log}`);
    return log.includes('Ready to accept connections');
  });
  return child;
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
