import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { fixOf } from '../../src/redis/fix.js';
import { connectHeard } from '../support/plain-connection.js';
import { NO_REDIS, type RedisProcess, startRedis } from '../support/redis.js';
import { type StubSentinel, startStubSentinel } from '../support/stub-sentinel.js';
import { until } from '../support/until.js';

describe('sentinels that are not of one mind', { skip: NO_REDIS }, () => {
  let master: RedisProcess;
  let other: RedisProcess;
  before(async () => {
    [master, other] = await Promise.all([startRedis(), startRedis()]);
  });
  after(() => Promise.all([master.stop(), other.stop()]));

  const opened: { stop(): void }[] = [];
  afterEach(() => {
    for (const one of opened.splice(0)) one.stop();
  });
  const startStubs = async (...names: number[]) => {
    const stubs = await Promise.all(names.map(startStubSentinel));
    opened.push(...stubs);
    return stubs as [StubSentinel, StubSentinel];
  };
  const connectBy = (sentinels: readonly StubSentinel[]) => {
    const hosts = sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',');
    const url = master.plainUrl.replace(`127.0.0.1:${master.plainPort}`, hosts);
    const heard = connectHeard(url, 'sentinel', 'fleet');
    opened.push({ stop: heard.connection.close });
    return heard;
  };
  const clientsOf = async ({ client }: RedisProcess) =>
    String(await client.client('LIST')).match(/name=tollgate /g)?.length ?? 0;

  test('one that names a replica is said, and asked last', async () => {
    await other.client.replicaof('127.0.0.1', 1);
    const stubs = await startStubs(other.plainPort, master.plainPort);
    const [stale] = stubs;
    const { ups, downs } = connectBy(stubs);
    await until('the connection to be up', () => ups() > 0);
    assert.deepEqual(downs, [
      `sentinel 127.0.0.1:${stale.port} names 127.0.0.1:${other.plainPort}, which is a replica`,
    ]);
    assert.match(fixOf(downs[0] ?? '', { tls: false }), /that sentinel knows less than the others/);
    assert.equal(stale.asked(), 1);
    await other.client.replicaof('NO', 'ONE');
  });

  test('while a connection lives one is asked, and the next where it gives no answer; a closed one asks nobody', async () => {
    const stubs = await startStubs(master.plainPort, master.plainPort);
    const [first, second] = stubs;
    const { ups, downs } = connectBy(stubs);
    await until('to be asked twice', () => first.asked() > 1);
    assert.deepEqual([second.asked(), await clientsOf(master)], [0, 1]);
    first.names = 0;
    second.names = other.plainPort;
    await until('the connection to the other', async () => (await clientsOf(other)) === 1);
    await until('the connection to be up again', () => ups() === 2);
    assert.deepEqual(downs, [`the sentinels name another master, 127.0.0.1:${other.plainPort}`]);
    assert.equal(await clientsOf(master), 0);
  });
});
