import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { freePort, type RedisProcess, startSecuredRedis } from './redis.js';
import { writeScratch } from './scratch.js';
import { ADMIN_PASSWORD, securedFiles } from './secured.js';
import { until } from './until.js';

/** A master and its replica, watched by one sentinel: all by TLS and with passwords. */
export interface SentinelGroup {
  readonly master: RedisProcess;
  readonly replica: RedisProcess;
  /** The sentinel, as REDIS_URL names it. */
  readonly url: string;
  /** The name of the master, and a file with the password of the sentinel. */
  readonly name: string;
  readonly passwordFile: string;
  signalSentinel(name: NodeJS.Signals): void;
  /** Lets the replica take the place of its master, which goes on. */
  failover(): Promise<void>;
  stop(): Promise<void>;
}

const SENTINEL_PASSWORD = 'of-the-sentinel';

/** @param folder of the test */
export async function startSentinelGroup(folder: string): Promise<SentinelGroup> {
  const master = await startSecuredRedis('--repl-diskless-sync-delay', '0');
  const replica = await startSecuredRedis('--replicaof', '127.0.0.1', String(master.port));
  // Before: else the sentinel hears of the replica only 10 s later.
  await until('the replica to follow', async () =>
    /master_link_status:up/.test(await replica.client.info('replication')),
  );
  const port = await freePort();
  const { ca, cert, key } = securedFiles();
  const config = [
    ...['port 0', `tls-port ${port}`, `tls-cert-file ${cert}`, `tls-key-file ${key}`],
    ...[`tls-ca-cert-file ${ca}`, 'tls-replication yes', `dir ${folder}`],
    ...[`requirepass ${SENTINEL_PASSWORD}`],
    `sentinel monitor fleet 127.0.0.1 ${master.port} 1`,
    `sentinel auth-pass fleet ${ADMIN_PASSWORD}`,
    ...['sentinel down-after-milliseconds fleet 500', 'sentinel failover-timeout fleet 2000'],
  ];
  const file = writeScratch(folder, `${config.join('\n')}\n`);
  const sentinel = spawn('redis-server', [file, '--sentinel'], { stdio: 'ignore' });
  return {
    master,
    replica,
    url: `rediss://127.0.0.1:${port}`,
    name: 'fleet',
    passwordFile: writeScratch(folder, SENTINEL_PASSWORD),
    signalSentinel: (name) => sentinel.kill(name),
    async failover() {
      const client = new Redis({
        ...{ port, password: SENTINEL_PASSWORD, enableReadyCheck: false },
        tls: { ca: readFileSync(ca), cert: readFileSync(cert), key: readFileSync(key) },
      });
      try {
        await client.call('SENTINEL', 'FAILOVER', 'fleet');
      } finally {
        client.disconnect();
      }
    },
    async stop() {
      sentinel.kill('SIGKILL');
      await Promise.all([master.stop(), replica.stop()]);
    },
  };
}
