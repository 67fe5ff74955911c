import assert from 'node:assert/strict';
import { copyFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type CertificateFiles, makeAuthority, NO_OPENSSL } from '../support/certificates.js';
import { startCluster } from '../support/cluster.js';
import { NO_REDIS, type RedisProcess, startRedis, startSecuredRedis } from '../support/redis.js';
import { scratchFolder, writeScratch } from '../support/scratch.js';
import { USER_PASSWORD } from '../support/secured.js';
import { type SidecarProcess, spawnSidecar } from '../support/sidecar.js';
import { until } from '../support/until.js';

const TIMEOUT_MS = 10_000;

const decided = async (by: SidecarProcess) =>
  !(await by.channel.authorize({ agent_id: 'a', estimated_cost: 0 }, TIMEOUT_MS)).degraded;

const dropConnections = ({ client }: RedisProcess) =>
  client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');

/** The log tells of it, once for each time that it happens. */
const said = (sidecar: SidecarProcess, what: string, why: RegExp) =>
  until(`it to be said: ${why}`, () =>
    sidecar.log.some(
      (line) => String(line['msg']).startsWith(what) && why.test(String(line['why'])),
    ),
  );

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

  test('is read again at every connect, so that the password can be rotated', async () => {
    await until('decisions with the first password', () => decided(sidecar));
    await redis.client.config('SET', 'requirepass', 'rotated');
    await redis.client.call('AUTH', 'rotated');
    writeScratch(folder, 'rotated\n', 'password');
    await dropConnections(redis);
    await until('decisions with the new password', () => decided(sidecar));
  });

  test('that is gone for a while is said, and ends nothing', async () => {
    renameSync(file, `${file}.away`);
    await dropConnections(redis);
    await said(sidecar, 'the Redis password file cannot be used', /ENOENT/);
    await until('decisions with the password before', () => decided(sidecar));
    renameSync(`${file}.away`, file);
    await dropConnections(redis);
    await until('decisions with the file again', () => decided(sidecar));
  });

  test('that is wrong is said with what to do, and when it is put right all goes on by itself', async () => {
    writeScratch(folder, 'wrong\n', 'password');
    await dropConnections(redis);
    await said(sidecar, 'Redis is', /WRONGPASS/);
    assert.equal(await decided(sidecar), false, 'the failure modes decide');
    const line = sidecar.log.findLast(({ why }) => String(why).includes('WRONGPASS'));
    assert.match(String(line?.['fix']), /correct the user and password/);
    writeScratch(folder, 'rotated\n', 'password');
    await until('decisions with the right one', () => decided(sidecar));
  });

  test('that is gone for a while ends nothing with a Cluster either', async () => {
    const cluster = await startCluster();
    const clustered = await spawnSidecar({
      REDIS_URL: cluster.url,
      TOLLGATE_REDIS_MODE: 'cluster',
      TOLLGATE_REDIS_PASSWORD_FILE: writeScratch(folder, USER_PASSWORD, 'of-cluster'),
    });
    try {
      renameSync(`${folder}/of-cluster`, `${folder}/away`);
      for (const node of cluster.nodes) await dropConnections(node);
      await until('decisions without the file', () => decided(clustered));
    } finally {
      await clustered.stop();
      await cluster.stop();
    }
  });
});

describe('the certificates for Redis', { skip: NO_REDIS || NO_OPENSSL }, () => {
  const folder = scratchFolder();
  const mounted = Object.fromEntries(
    (['ca', 'cert', 'key'] as const).map((name) => [name, join(folder, name)]),
  ) as Record<'ca' | 'cert' | 'key', string>;
  let redis: RedisProcess;
  let sidecar: SidecarProcess;

  /** What cert-manager would have made: of one CA, Redis' and that of its clients. */
  function issue(name: string, days = 2) {
    const { ca, sign } = makeAuthority(folder, name);
    return { ca, ...sign({ name: `${name}-both`, names: 'IP:127.0.0.1', days }) };
  }
  function mount({ ca, cert, key }: CertificateFiles & { ca: string }): void {
    for (const [from, to] of [
      [ca, mounted.ca],
      [cert, mounted.cert],
      [key, mounted.key],
    ] as const) {
      // In one step each, as a mounted Secret changes.
      copyFileSync(from, `${to}.new`);
      renameSync(`${to}.new`, to);
    }
  }
  async function show({ ca, cert, key }: CertificateFiles & { ca: string }): Promise<void> {
    const files = ['tls-cert-file', cert, 'tls-key-file', key, 'tls-ca-cert-file', ca];
    await redis.client.call('CONFIG', 'SET', ...files);
    await dropConnections(redis);
  }

  const first = NO_OPENSSL ? undefined : issue('first');
  const second = NO_OPENSSL ? undefined : issue('second');
  before(async () => {
    if (!first) return;
    redis = await startSecuredRedis();
    await show(first);
    mount(first);
    sidecar = await spawnSidecar({
      REDIS_URL: redis.url,
      TOLLGATE_REDIS_CA_FILE: mounted.ca,
      TOLLGATE_REDIS_CERT_FILE: mounted.cert,
      TOLLGATE_REDIS_KEY_FILE: mounted.key,
    });
  });
  after(async () => {
    await sidecar.stop();
    await redis.stop();
  });

  test('are read again at every connect, so that they can be rotated', async () => {
    if (!first || !second) return;
    await until('decisions with the first', () => decided(sidecar));
    mount(second);
    await show(second);
    await until('decisions with the second', () => decided(sidecar));
  });

  test('that do not fit together, or are gone for a while, are said, and end nothing', async () => {
    if (!first || !second) return;
    mount({ ...second, key: first.key });
    await dropConnections(redis);
    await said(sidecar, 'the certificates for Redis cannot be used', /key values mismatch/);
    await until('decisions with what was read before', () => decided(sidecar));
    renameSync(mounted.ca, `${mounted.ca}.away`);
    await dropConnections(redis);
    await said(sidecar, 'the certificates for Redis cannot be used', /ENOENT/);
    await until('decisions with what was read before', () => decided(sidecar));
    mount(second);
  });

  test('one of Redis that has expired is said with what to do, and when it is renewed all goes on by itself', async () => {
    if (!second) return;
    const expired = issue('expired', 0);
    mount(expired);
    await show(expired);
    await said(sidecar, 'Redis is', /certificate has expired/);
    assert.equal(await decided(sidecar), false, 'the failure modes decide');
    const line = sidecar.log.findLast(({ why }) => String(why).includes('has expired'));
    assert.match(String(line?.['fix']), /renew the certificate of Redis/);
    mount(second);
    await show(second);
    await until('decisions with the renewed one', () => decided(sidecar));
    assert.equal(sidecar.child.exitCode, null);
  });

  test('nor may rights be taken away without a word, and given back they are used again', async () => {
    const user = (...rights: string[]) =>
      redis.client.call('ACL', 'SETUSER', 'tollgate-keeper', ...rights);
    await user('-eval', '-evalsha');
    await dropConnections(redis);
    await said(sidecar, 'Redis forbids its user to decide', /^undefined$/);
    const answer = await sidecar.channel.authorize({ agent_id: 'a' }, TIMEOUT_MS);
    assert.equal(answer.degraded_reason, 'denied');
    await user('+eval', '+evalsha', '-mget');
    await until('what a script may not do to be told apart from an error', async () => {
      const { degraded_reason } = await sidecar.channel.authorize({ agent_id: 'a' }, TIMEOUT_MS);
      return degraded_reason === 'denied';
    });
    await user('+mget');
    await until('decisions with all rights', () => decided(sidecar));
    await redis.client.call('ACL', 'LOG', 'RESET');
  });
});
