import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { startCluster } from '../support/cluster.js';
import { NO_REDIS, type RedisProcess, startRedis } from '../support/redis.js';
import { scratchFolder, writeScratch } from '../support/scratch.js';
import { type SidecarProcess, spawnSidecar } from '../support/sidecar.js';
import { until } from '../support/until.js';

const TIMEOUT_MS = 10_000;

describe('a password file', { skip: NO_REDIS }, () => {
  const folder = scratchFolder();
  let redis: RedisProcess;
  let sidecar: SidecarProcess;
  let file: string;
  before(async () => {
    redis = await startRedis('--requirepass', 's3cret');
    file = writeScratch(folder, 's3cret\n', 'password');
    sidecar = await spawnSidecar({ REDIS_URL: redis.url, TOLLGATE_REDIS_PASSWORD_FILE: file });
  });
  after(async () => {
    await sidecar.stop();
    await redis.stop();
  });

  const decided = async (by: SidecarProcess) =>
    !(await by.channel.authorize({ agent_id: 'a', estimated_cost: 0 }, TIMEOUT_MS)).degraded;
  const dropConnections = () =>
    redis.client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');

  test('is read again at every connect, so that the password can be rotated', async () => {
    assert.ok(await decided(sidecar));
    await redis.client.config('SET', 'requirepass', 'rotated');
    await redis.client.call('AUTH', 'rotated');
    writeScratch(folder, 'rotated\n', 'password');
    await dropConnections();
    await until('decisions with the new password', () => decided(sidecar));
  });

  test('that is gone for a while is said, and ends nothing', async () => {
    renameSync(file, `${file}.away`);
    await dropConnections();
    await until('it to be said', () =>
      sidecar.log.some(({ msg }) =>
        String(msg).startsWith('the Redis password file cannot be read'),
      ),
    );
    await until('decisions with the password before', () => decided(sidecar));
    renameSync(`${file}.away`, file);
    await dropConnections();
    await until('decisions with the file again', () => decided(sidecar));
  });

  test('that is gone for a while ends nothing with a Cluster either', async () => {
    const cluster = await startCluster();
    const clustered = await spawnSidecar({
      REDIS_URL: cluster.url,
      TOLLGATE_REDIS_MODE: 'cluster',
      TOLLGATE_REDIS_PASSWORD_FILE: writeScratch(folder, '', 'no-password'),
    });
    try {
      renameSync(`${folder}/no-password`, `${folder}/away`);
      for (const node of cluster.nodes) {
        await node.client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      }
      await until('decisions without the file', () => decided(clustered));
    } finally {
      await clustered.stop();
      await cluster.stop();
    }
  });
});
