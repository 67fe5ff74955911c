import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Certificates, makeCertificates, NO_OPENSSL } from '../support/certificates.js';
import { type ClusterProcesses, startCluster } from '../support/cluster.js';
import { NO_REDIS, type RedisProcess, startRedis, startSecuredRedis } from '../support/redis.js';
import { tollgate } from '../support/run.js';
import { scratchFolder, writeScratch } from '../support/scratch.js';
import { securedFiles, USER_PASSWORD } from '../support/secured.js';
import { spawnSidecar } from '../support/sidecar.js';
import { startTlsEndpoint } from '../support/tls-endpoint.js';

const TIMEOUT_MS = 10_000;

type Env = Record<string, string>;

async function decides(env: Env): Promise<void> {
  // It is about the way, not about how quick a busy machine is on it.
  const sidecar = await spawnSidecar({ TOLLGATE_DECISION_MS: '2000', ...env });
  try {
    const decision = await sidecar.channel.authorize(
      { agent_id: 'a', estimated_cost: 1 },
      TIMEOUT_MS,
    );
    assert.equal(decision.degraded_reason, '');
    assert.equal(decision.verdict, 'VERDICT_ALLOW');
  } finally {
    await sidecar.stop();
  }
}

describe('the way to Redis', { skip: NO_REDIS }, () => {
  const folder = scratchFolder();

  test('may be a unix socket', async () => {
    const path = join(folder, 'redis.sock');
    const redis = await startRedis('--requirepass', 's3cret', '--unixsocket', path);
    try {
      assert.ok(existsSync(path));
      await decides({ REDIS_URL: `unix://:s3cret@${path}` });
    } finally {
      await redis.stop();
    }
  });
});

describe('the way to Redis by TLS', { skip: NO_REDIS || NO_OPENSSL }, () => {
  const folder = scratchFolder();
  let redis: RedisProcess;
  let own: Certificates;
  before(async () => {
    redis = await startSecuredRedis();
    own = makeCertificates(folder);
  });
  after(() => redis.stop());

  const doctor = async (env: Env = {}) =>
    (await tollgate(['doctor'], { REDIS_URL: redis.url, ...env })).out;
  /** Redis shows this from now on, and trusts clients of that CA. */
  async function show({ cert, key }: { cert: string; key: string }, ca: string): Promise<void> {
    const files = ['tls-cert-file', cert, 'tls-key-file', key, 'tls-ca-cert-file', ca];
    await redis.client.call('CONFIG', 'SET', ...files);
  }
  const trusting = (ca: string, { cert, key }: { cert: string; key: string }): Env => ({
    TOLLGATE_REDIS_CA_FILE: ca,
    TOLLGATE_REDIS_CERT_FILE: cert,
    TOLLGATE_REDIS_KEY_FILE: key,
  });

  test('is encrypted, checked both ways, and as a user', async () => {
    await decides({ REDIS_URL: redis.url });
    const out = await doctor();
    assert.match(out, /^ok {4}the connection is encrypted \(TLS\)$/m);
    assert.match(out, /^ok {4}Redis knows this as its user "tollgate-keeper"$/m);
    assert.doesNotMatch(out, /^fail/m);
  });

  test('that cannot be gone is said, with what to do', async () => {
    const { ca } = securedFiles();
    const plain = redis.url.replace('rediss', 'redis');
    const none = { TOLLGATE_REDIS_CA_FILE: '', TOLLGATE_REDIS_CERT_FILE: '' };
    const cases: [what: string, env: Env, said: RegExp, fix: RegExp][] = [
      [
        'no CA',
        { TOLLGATE_REDIS_CA_FILE: '' },
        /self-signed certificate/,
        /TOLLGATE_REDIS_CA_FILE/,
      ],
      ['another CA', { TOLLGATE_REDIS_CA_FILE: own.ca }, /certificate/, /TOLLGATE_REDIS_CA_FILE/],
      [
        'no certificate of the client',
        { TOLLGATE_REDIS_CERT_FILE: '', TOLLGATE_REDIS_KEY_FILE: '' },
        // Redis says so and closes; what is written meanwhile may be answered first.
        /TLS: .*certificate required|ECONNRESET|EPIPE/,
        /TOLLGATE_REDIS_CERT_FILE and TOLLGATE_REDIS_KEY_FILE/,
      ],
      [
        'a certificate that Redis does not trust',
        trusting(ca, own.client),
        /TLS: .*unknown ca|ECONNRESET|EPIPE/,
        /TOLLGATE_REDIS_CERT_FILE and TOLLGATE_REDIS_KEY_FILE/,
      ],
      [
        'another name',
        { TOLLGATE_REDIS_SERVER_NAME: 'redis.test' },
        /does not match certificate's altnames/,
        /TOLLGATE_REDIS_SERVER_NAME/,
      ],
      [
        'TLS to a port that has none',
        { REDIS_URL: redis.url.replace(String(redis.port), String(redis.plainPort)) },
        /does not answer the TLS handshake/,
        /no TLS at that port \(begin REDIS_URL with redis:/,
      ],
      [
        'none to a port that has TLS',
        { REDIS_URL: plain, ...none, TOLLGATE_REDIS_KEY_FILE: '' },
        /connection closed|ECONNRESET/,
        /\(REDIS_URL begins with rediss:/,
      ],
      [
        'a wrong password',
        { TOLLGATE_REDIS_PASSWORD_FILE: writeScratch(folder, 'wrong') },
        /WRONGPASS/,
        /correct the user and password/,
      ],
      [
        'a user that there is not',
        { TOLLGATE_REDIS_USERNAME: 'nobody' },
        /WRONGPASS/,
        /correct the user and password/,
      ],
      [
        'another database, which no user may choose',
        { REDIS_URL: `${redis.url}/3` },
        /NOPERM.*'select'/,
        /use database 0/,
      ],
    ];
    for (const [what, env, said, fix] of cases) {
      const out = await doctor(env);
      assert.match(out, /^fail .* is not reachable: /m, `${what}: ${out}`);
      assert.match(out, said, what);
      assert.match(out.slice(out.indexOf('fix: ')), fix, `${what}: ${out}`);
      assert.ok(!out.includes(USER_PASSWORD), what);
    }
    // What was shown by mistake is put right in place: the clients follow without more ado.
    for (const [certificate, said, fix] of [
      [own.expired, /certificate has expired/, /renew the certificate of Redis/],
      [own.named, /does not match certificate's altnames/, /TOLLGATE_REDIS_SERVER_NAME/],
    ] as const) {
      await show(certificate, own.ca);
      const out = await doctor(trusting(own.ca, own.client));
      assert.match(out, said);
      assert.match(out, fix);
    }
    const named = { ...trusting(own.ca, own.client), TOLLGATE_REDIS_SERVER_NAME: 'redis.test' };
    assert.doesNotMatch(await doctor(named), /^fail/m);
    await show(securedFiles(), ca);
    // That of the database.
    await redis.client.call('ACL', 'LOG', 'RESET');
  });

  test('settings that would go unencrypted, or by half, are refused at the start', async () => {
    const { ca, cert, key } = securedFiles();
    const plain = { REDIS_URL: 'redis://127.0.0.1:1' };
    const broken = writeScratch(folder, 'no certificate');
    const cases: [Env, RegExp][] = [
      [{ ...plain, TOLLGATE_REDIS_CA_FILE: ca }, /CA_FILE: only for TLS, and REDIS_URL does not/],
      [{ ...plain, TOLLGATE_REDIS_SERVER_NAME: 'x' }, /SERVER_NAME: only for TLS/],
      [{ TOLLGATE_REDIS_SERVER_NAME: '127.0.0.1' }, /SERVER_NAME is an address, and TLS asks/],
      [{ TOLLGATE_REDIS_CERT_FILE: cert, TOLLGATE_REDIS_KEY_FILE: '' }, /belong together/],
      [{ TOLLGATE_REDIS_CA_FILE: '/nowhere' }, /TOLLGATE_REDIS_CA_FILE: \/nowhere cannot be read/],
      [{ TOLLGATE_REDIS_CA_FILE: broken }, /cannot be used: the CA file has no certificate/],
      [{ TOLLGATE_REDIS_KEY_FILE: own.client.key }, /cannot be used: .*key values mismatch/],
      [{ TOLLGATE_REDIS_CERT_FILE: key }, /cannot be used: /],
      [{ TOLLGATE_REDIS_PASSWORD_FILE: '' }, /user of Redis is named without a password/],
      [{ TOLLGATE_REDIS_SENTINEL_PASSWORD_FILE: key }, /TOLLGATE_REDIS_MODE is not sentinel/],
    ];
    for (const [env, said] of cases) assert.match(await doctor(env), said);
  });

  test('behind an endpoint that many share: the host is asked for by its name', async () => {
    const plain = await startRedis('--requirepass', 's3cret');
    const endpoint = await startTlsEndpoint(plain.port, own.named, {
      localhost: own.server,
      'redis.test': own.named,
    });
    const url = `rediss://:s3cret@localhost:${endpoint.port}`;
    try {
      await decides({ REDIS_URL: url, TOLLGATE_REDIS_CA_FILE: own.ca });
      assert.deepEqual([...endpoint.asked], ['localhost']);
      await decides({
        ...{ REDIS_URL: url.replace('localhost', '127.0.0.1'), TOLLGATE_REDIS_CA_FILE: own.ca },
        TOLLGATE_REDIS_SERVER_NAME: 'redis.test',
      });
      assert.deepEqual([...endpoint.asked], ['localhost', 'redis.test']);
    } finally {
      endpoint.close();
      await plain.stop();
    }
  });
});

describe('the way to a Cluster by TLS', { skip: NO_REDIS || NO_OPENSSL }, () => {
  const folder = scratchFolder();
  let cluster: ClusterProcesses;
  let own: Certificates;
  before(async () => {
    cluster = await startCluster({ secured: true });
    own = makeCertificates(folder);
  });
  after(() => cluster.stop());

  /** All nodes show this, and say that they are to be found so. */
  async function set(certificate: { cert: string; key: string }, ...more: string[]): Promise<void> {
    const { cert, key } = certificate;
    for (const { client } of cluster.nodes) {
      await client.call('CONFIG', 'SET', 'tls-cert-file', cert, 'tls-key-file', key, ...more);
    }
  }
  const env = (more: Env = {}): Env => ({
    ...{ REDIS_URL: cluster.url, TOLLGATE_REDIS_MODE: 'cluster', ...more },
  });

  test('whose nodes tell addresses, and have certificates of one name', async () => {
    const { sign } = securedFiles();
    await set(sign({ name: 'one-name', names: 'DNS:redis.test' }));
    const refused = await tollgate(['doctor'], env());
    assert.match(refused.out, /does not match certificate's altnames/);
    assert.match(refused.out, /fix: .*TOLLGATE_REDIS_SERVER_NAME/);
    await decides(env({ TOLLGATE_REDIS_SERVER_NAME: 'redis.test' }));
  });

  test('whose nodes tell names: they stay names, which the certificates are for', async () => {
    const { sign } = securedFiles();
    const byHost = ['cluster-announce-hostname', 'localhost'];
    await set(
      sign({ name: 'by-host', names: 'DNS:localhost' }),
      ...[...byHost, 'cluster-preferred-endpoint-type', 'hostname'],
    );
    await decides(env({ REDIS_URL: `rediss://localhost:${cluster.nodes[0]?.port}` }));
  });

  test('that asks for a certificate, or refuses the password, says so', async () => {
    const none = { TOLLGATE_REDIS_CERT_FILE: '', TOLLGATE_REDIS_KEY_FILE: '' };
    const url = `rediss://localhost:${cluster.nodes[0]?.port}`;
    const bare = await tollgate(['doctor'], env({ REDIS_URL: url, ...none }));
    assert.match(bare.out, /certificate required|ECONNRESET|EPIPE|connection closed/);
    assert.match(bare.out, /fix: .*TOLLGATE_REDIS_CERT_FILE/);
    const wrong = { TOLLGATE_REDIS_PASSWORD_FILE: writeScratch(folder, 'wrong') };
    const refused = await tollgate(['doctor'], env({ REDIS_URL: url, ...wrong }));
    assert.match(refused.out, /WRONGPASS.*\n {6}fix: correct the user and password/);
    const other = { TOLLGATE_REDIS_CA_FILE: own.other.ca };
    const untrusted = await tollgate(['doctor'], env({ REDIS_URL: url, ...other }));
    assert.match(untrusted.out, /certificate.*\n {6}fix: .*TOLLGATE_REDIS_CA_FILE/);
  });
});
