import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { freePort, NO_REDIS, startRedis } from '../support/redis.js';
import { tollgate, tollgateProcess } from '../support/run.js';
import { scratchFolder } from '../support/scratch.js';
import { spawnSidecar } from '../support/sidecar.js';

const TIMEOUT_MS = 10_000;

const NO_OPENSSL: string | false = (() => {
  try {
    execFileSync('openssl', ['version']);
    return false;
  } catch {
    if (process.env['CI']) throw new Error('openssl is missing, and CI skips nothing');
    return 'openssl is not installed (apt-get install openssl)';
  }
})();

describe('the way to Redis', { skip: NO_REDIS }, () => {
  const folder = scratchFolder();

  async function decides(env: Record<string, string>): Promise<void> {
    const sidecar = await spawnSidecar(env);
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

  test('may be a unix socket', async () => {
    const path = join(folder, 'redis.sock');
    const redis = await startRedis('--unixsocket', path);
    try {
      assert.ok(existsSync(path));
      await decides({ REDIS_URL: `unix://${path}` });
    } finally {
      await redis.stop();
    }
  });

  test('may be TLS, with a certificate that is checked', { skip: NO_OPENSSL }, async () => {
    const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
        ...['-keyout', key, '-out', certificate, '-days', '2', '-subj', '/CN=localhost'],
        ...['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
      ],
      { stdio: 'ignore' },
    );
    const port = await freePort();
    const redis = await startRedis(
      ...['--tls-port', String(port), '--tls-cert-file', certificate, '--tls-key-file', key],
      ...['--tls-ca-cert-file', certificate, '--tls-auth-clients', 'no'],
    );
    const url = `rediss://localhost:${port}`;
    try {
      await decides({ REDIS_URL: url, NODE_EXTRA_CA_CERTS: certificate });
      const trusted = await tollgateProcess(['doctor'], {
        REDIS_URL: url,
        NODE_EXTRA_CA_CERTS: certificate,
      });
      assert.match(trusted.out, /ok {4}the connection is encrypted \(TLS\)/);
      const unknown = await tollgate(['doctor'], { REDIS_URL: url });
      assert.equal(unknown.code, 1);
      assert.match(
        unknown.out,
        /is not reachable: .*self-signed certificate.*\n {6}fix: .*NODE_EXTRA_CA_CERTS/,
      );
    } finally {
      await redis.stop();
    }
  });
});
