import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { freePort, NO_REDIS, type RedisProcess, startRedis } from '../support/redis.js';
import { scratchFolder, writeScratch } from '../support/scratch.js';
import { type SidecarProcess, spawnSidecar } from '../support/sidecar.js';
import { until } from '../support/until.js';

const TIMEOUT_MS = 10_000;

describe('a Redis under Sentinel', { skip: NO_REDIS }, () => {
  const folder = scratchFolder();
  let master: RedisProcess;
  let replica: RedisProcess;
  let sidecar: SidecarProcess;
  let stopSentinel: () => void;
  before(async () => {
    master = await startRedis();
    replica = await startRedis(
      '--replicaof',
      '127.0.0.1',
      String(master.port),
      '--repl-diskless-sync-delay',
      '0',
    );
    await until('the replica to follow', async () =>
      /master_link_status:up/.test(await replica.client.info('replication')),
    );
    const port = await freePort();
    const config = writeScratch(
      folder,
      `port ${port}\ndir ${folder}\nsentinel monitor fleet 127.0.0.1 ${master.port} 1\nsentinel down-after-milliseconds fleet 500\nsentinel failover-timeout fleet 2000\n`,
    );
    const sentinel = spawn('redis-server', [config, '--sentinel'], { stdio: 'ignore' });
    stopSentinel = () => sentinel.kill('SIGKILL');
    sidecar = await spawnSidecar({
      REDIS_URL: `redis://127.0.0.1:${port}`,
      TOLLGATE_REDIS_MODE: 'sentinel',
      TOLLGATE_REDIS_SENTINEL_MASTER: 'fleet',
      TOLLGATE_POLICY: writeScratch(
        folder,
        'rules: [{ id: r, action: block, rateLimit: { limit: 100, window: 1h } }]',
      ),
    });
  });
  after(async () => {
    await sidecar.stop();
    stopSentinel();
    await master.stop();
    await replica.stop();
  });

  const ask = () => sidecar.channel.authorize({ agent_id: 'a' }, TIMEOUT_MS);

  test('after a failover the sidecar goes on by itself, with what the replica knows', async () => {
    await until('decisions by Redis', async () => !(await ask()).degraded);
    const before = (await ask()).rules[0]?.used ?? 0;
    await until('the replica to have it all', async () => {
      const offset = (text: string, name: string) => new RegExp(`${name}:(\\d+)`).exec(text)?.[1];
      const here = offset(await master.client.info('replication'), 'master_repl_offset');
      return here === offset(await replica.client.info('replication'), 'slave_repl_offset');
    });
    await master.kill();
    await until('the sentinel to be heard and the new master found', async () => {
      const decision = await sidecar.channel.inspect({ agent_id: 'a' }, TIMEOUT_MS);
      return !decision.degraded;
    });
    const after = await ask();
    assert.equal(after.degraded, false);
    assert.ok((after.rules[0]?.used ?? 0) > before, 'the window went with the failover');
    assert.match(await replica.client.info('replication'), /role:master/);
  });
});
