import assert from 'node:assert/strict';
import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { type Channel, openChannel } from '../../src/client/channel.js';
import { connect } from '../../src/client/gate.js';
import { readSettings } from '../../src/settings.js';
import { readCertificates } from '../../src/wire/certificates.js';
import {
  type CertificateFiles,
  type Certificates,
  makeAuthority,
  makeCertificates,
  NO_OPENSSL,
} from '../support/certificates.js';
import { evilConnection } from '../support/evil.js';
import { tollgate } from '../support/run.js';
import { scratchFolder } from '../support/scratch.js';
import { type SidecarProcess, spawnSidecar } from '../support/sidecar.js';
import { until } from '../support/until.js';

const TIMEOUT_MS = 10_000;

/** Certificates are for names: the loopback has one. */
const namedOf = ({ address }: SidecarProcess) => `tls://localhost:${address.split(':').at(-1)}`;

function serverOf({ cert, key }: CertificateFiles, clientCa?: string): Record<string, string> {
  return {
    TOLLGATE_TLS_CERT_FILE: cert,
    TOLLGATE_TLS_KEY_FILE: key,
    ...(clientCa && { TOLLGATE_TLS_CLIENT_CA_FILE: clientCa }),
  };
}

function clientOf(ca: string, own?: CertificateFiles): Record<string, string> {
  return {
    TOLLGATE_CLIENT_CA_FILE: ca,
    ...(own && { TOLLGATE_CLIENT_CERT_FILE: own.cert, TOLLGATE_CLIENT_KEY_FILE: own.key }),
  };
}

function filesOf(ca: string, own?: CertificateFiles) {
  return { caFile: ca, certFile: own?.cert, keyFile: own?.key };
}

describe('a gate with TLS', { concurrency: true, skip: NO_OPENSSL }, () => {
  const folder = NO_OPENSSL ? '' : scratchFolder();
  const sidecars: SidecarProcess[] = [];
  let certificates: Certificates;
  let mutual: SidecarProcess;
  let tls: SidecarProcess;
  let plain: SidecarProcess;
  before(async () => {
    certificates = makeCertificates(folder);
    const { server, ca } = certificates;
    [mutual, tls, plain] = await Promise.all([
      start(serverOf(server, ca)),
      start(serverOf(server)),
      start({}),
    ]);
  });
  after(async () => {
    for (const sidecar of sidecars) await sidecar.stop();
  });
  async function start(env: Record<string, string>): Promise<SidecarProcess> {
    const sidecar = await spawnSidecar(env);
    sidecars.push(sidecar);
    return sidecar;
  }
  const ask = (channel: Channel) =>
    channel.authorize({ agent_id: 'a', tool: 't', estimated_cost: 0.001 }, TIMEOUT_MS);

  test('asks who calls, lets in whom it knows, and counts the others', async () => {
    const { ca, client, expired, other } = certificates;
    const known = openChannel(namedOf(mutual), false, filesOf(ca, client));
    assert.equal((await ask(known)).verdict, 'VERDICT_ALLOW');
    known.close();
    for (const own of [undefined, other.client, expired]) {
      const stranger = openChannel(namedOf(mutual), false, filesOf(ca, own));
      await assert.rejects(ask(stranger), { code: 14 });
      stranger.close();
    }
    await assert.rejects(ask(mutual.channel), { code: 14 }, 'in plain text');
    for (const reason of ['no_certificate', 'untrusted', 'plaintext']) {
      const labels = `{reason="${reason}"}`;
      assert.ok((await mutual.metric('tollgate_refused_connections_total', labels)) > 0, reason);
      assert.ok(
        mutual.log.some((line) => line['reason'] === reason && line['why']),
        reason,
      );
    }
  });

  test('says to a client, by either way, what is wrong and what to do', async () => {
    const { ca, client, expired, named, other } = certificates;
    const wrongName = await start(serverOf(named));
    const over = await start(serverOf(expired));
    const bare = (sidecar: SidecarProcess) => sidecar.address;
    const cases: [string, Record<string, string>, RegExp][] = [
      [namedOf(mutual), clientOf(ca), /asks for a certificate: set TOLLGATE_CLIENT_CERT_FILE and/],
      [
        namedOf(mutual),
        clientOf(ca, other.client),
        /does not believe the certificate in TOLLGATE_CLIENT_CERT/,
      ],
      [namedOf(tls), clientOf(other.ca), /is not of the CA in TOLLGATE_CLIENT_CA_FILE/],
      [namedOf(tls), {}, /is not of the CA in TOLLGATE_CLIENT_CA_FILE/],
      [namedOf(wrongName), clientOf(ca), /its certificate is for other names/],
      [namedOf(over), clientOf(ca), /its certificate has ended/],
      [namedOf(plain), clientOf(ca), /speaks without TLS/],
      [bare(tls), {}, /speaks TLS: its address is tls:/],
      [bare(mutual), {}, /speaks TLS: its address is tls:/],
    ];
    for (const [address, env, words] of cases) {
      const { code, err } = await tollgate(
        ['authorize', '--agent', 'a', '--tool', 't', '--address', address],
        env,
      );
      assert.equal(code, 4, err);
      assert.match(err, words);
      const said: string[] = [];
      const gate = connect({
        ...filesOf(env['TOLLGATE_CLIENT_CA_FILE'] ?? ca),
        ...(env['TOLLGATE_CLIENT_CERT_FILE'] && {
          certFile: env['TOLLGATE_CLIENT_CERT_FILE'],
          keyFile: env['TOLLGATE_CLIENT_KEY_FILE'],
        }),
        ...{ address, agent: 'a', timeoutMs: 20, warn: (message: string) => said.push(message) },
      });
      if (env['TOLLGATE_CLIENT_CA_FILE']) {
        await assert.rejects(gate.call({ tool: 't' }, () => assert.fail('it has run')));
        await until(`words like ${words}`, () => said.some((one) => words.test(one)));
      }
      await gate.close();
    }
    const ours = clientOf(ca, client);
    const args = ['authorize', '--agent', 'a', '--tool', 't', '--cost', '0.001'];
    const { code, err } = await tollgate(args, { ...ours, TOLLGATE_ADDRESS: namedOf(mutual) });
    assert.equal(code, 0, err);
  });

  test('whoever begins handshakes and leaves them there keeps nobody out', async () => {
    const { ca } = certificates;
    const left = await Promise.all(
      Array.from({ length: 600 }, () => evilConnection(tls.address, Buffer.from([0x16, 3, 1]))),
    );
    const open = () => left.filter(({ closed }) => !closed()).length;
    const channel = openChannel(namedOf(tls), false, filesOf(ca));
    assert.equal((await ask(channel)).verdict, 'VERDICT_ALLOW');
    await until('the oldest to be dropped', () => open() <= 256);
    await until('all to be dropped: they take too long', () => open() === 0);
    assert.equal((await ask(channel)).verdict, 'VERDICT_ALLOW');
    channel.close();
  });

  test('shows a new certificate to new connections, and drops no call', async () => {
    const mount = join(folder, 'mount');
    /** As the kubelet does: a folder with all files, then one rename. */
    const publish = (name: string, files: CertificateFiles, clientCa: string) => {
      const version = join(mount, name);
      mkdirSync(version, { recursive: true });
      copyFileSync(files.cert, join(version, 'tls.crt'));
      copyFileSync(files.key, join(version, 'tls.key'));
      copyFileSync(clientCa, join(version, 'ca.crt'));
      symlinkSync(name, join(mount, '..data_tmp'));
      renameSync(join(mount, '..data_tmp'), join(mount, '..data'));
    };
    const { server, ca, client } = certificates;
    publish('..1', server, ca);
    for (const file of ['tls.crt', 'tls.key', 'ca.crt']) {
      symlinkSync(join('..data', file), join(mount, file));
    }
    const paths = { cert: join(mount, 'tls.crt'), key: join(mount, 'tls.key') };
    const sidecar = await start(serverOf(paths, join(mount, 'ca.crt')));
    const channel = openChannel(namedOf(sidecar), false, filesOf(ca, client));
    let calls = 0;
    let stopped = false;
    const calling = (async () => {
      for (; !stopped; calls += 1) await ask(channel);
    })();
    calling.catch(() => {});
    const shown = (by = ca) => subjectOf(sidecar.address, by, client);
    const ends = () =>
      sidecar.metric('tollgate_tls_certificate_expiry_timestamp_seconds', '{certificate="server"}');
    const firstEnds = await ends();
    assert.equal(await shown(), 'server');

    const authority = makeAuthority(join(folder, 'next'), 'next-ca');
    const names = 'DNS:localhost,IP:127.0.0.1';
    const next = authority.sign({ name: 'next', names, days: 9 });
    const both = join(folder, 'both.crt');
    writeFileSync(both, [ca, authority.ca].map((file) => readFileSync(file, 'utf8')).join(''));
    publish('..2', next, both);
    await until('the new one to be shown', async () => (await shown(authority.ca)) === 'next');
    assert.ok((await ends()) > firstEnds + 6 * 86_400);

    // A key of another certificate, as when half of a renewal has come.
    publish('..3', { cert: next.cert, key: server.key }, both);
    await until('it to be said', () =>
      sidecar.log.some(({ why }) => /is not the key/.test(String(why))),
    );
    assert.equal(await sidecar.metric('tollgate_tls_last_reload_successful'), 0);
    assert.equal(await shown(authority.ca), 'next', 'the last good one stays');

    // Half of a bundle, cut off in the certificate that is to come, or in the line before it.
    const whole = readFileSync(both, 'utf8');
    const first = readFileSync(ca, 'utf8').length;
    const half = join(folder, 'half.crt');
    for (const [n, length] of [first + 3, first + 12, first + 200, whole.length - 30].entries()) {
      writeFileSync(half, whole.slice(0, length));
      const said = readCertificates({ certFile: next.cert, keyFile: next.key, clientCaFile: half });
      assert.match(String(said), /half.crt: a certificate is not whole/, `${n}`);
    }
    publish('..4', next, half);
    await until('it to be said', () =>
      sidecar.log.some(({ why }) => /is not whole: the file is cut off/.test(String(why))),
    );
    assert.equal(await shown(authority.ca), 'next', 'whom it knew it still knows');

    publish('..5', next, authority.ca);
    await until(
      'who it was that it knew to be a stranger',
      async () => (await shown(authority.ca)) === '',
    );
    assert.equal(await sidecar.metric('tollgate_tls_last_reload_successful'), 1);
    const before = calls;
    await until('calls on the connection from before', () => calls > before + 5);
    stopped = true;
    await calling;
    channel.close();
  });

  test('resumes no session: each connection shows its certificate anew', async () => {
    const { ca, client } = certificates;
    const port = Number(mutual.address.split(':').at(-1));
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const knock = (own?: CertificateFiles, session?: Buffer) =>
        new Promise<{ served: boolean; resumed: boolean; sessions: Buffer[] }>((resolve) => {
          const sessions: Buffer[] = [];
          const socket = connectTls({
            ...{ host: 'localhost', port, ALPNProtocols: ['h2'], maxVersion, session },
            ca: readFileSync(ca),
            ...(own && { cert: readFileSync(own.cert), key: readFileSync(own.key) }),
          });
          let served = false;
          let resumed = false;
          socket.once('secureConnect', () => {
            resumed = socket.isSessionReused();
          });
          socket.on('session', (one) => sessions.push(one));
          socket.on('error', () => {});
          socket.once('close', () => resolve({ served, resumed, sessions }));
          // Its settings come when it believes the client; sessions come before.
          socket.once('data', () => {
            served = true;
            socket.destroy();
          });
        });
      const first = await knock(client);
      assert.ok(first.served, maxVersion);
      for (const session of first.sessions) {
        const again = await knock(client, session);
        assert.deepEqual([again.served, again.resumed], [true, false], maxVersion);
        assert.equal((await knock(undefined, session)).served, false, maxVersion);
      }
      assert.ok(first.sessions.length > 0, `${maxVersion}: none is handed out, so none was tried`);
    }
  });

  test('a client uses its renewed certificate from then on, and an older call ends well', async () => {
    const { ca, client, expired } = certificates;
    const own = { cert: join(folder, 'own.crt'), key: join(folder, 'own.key') };
    const use = (files: CertificateFiles) => {
      copyFileSync(files.cert, own.cert);
      copyFileSync(files.key, own.key);
    };
    use(expired);
    const channel = openChannel(namedOf(mutual), false, filesOf(ca, own));
    await assert.rejects(ask(channel), { code: 14 });
    use(client);
    await until('an answer', () =>
      ask(channel).then(
        () => true,
        () => false,
      ),
    );
    rmSync(own.key);
    assert.equal((await ask(channel)).verdict, 'VERDICT_ALLOW', 'it is still the same connection');
    channel.close();
  });

  test('does not start on files that are no good, and says why without what is in them', async () => {
    const { server, other } = certificates;
    const secret = readFileSync(server.key, 'utf8').split('\n')[1] ?? '';
    const cases: [Record<string, string>, RegExp][] = [
      [serverOf({ cert: server.cert, key: other.client.key }), /is not the key of the certificate/],
      [serverOf({ cert: server.key, key: server.key }), /holds no certificate in PEM/],
      [serverOf(server, server.key), /holds no certificate in PEM/],
      [
        serverOf({ cert: server.cert, key: join(folder, 'none') }),
        /TOLLGATE_TLS_KEY_FILE: .* cannot be read/,
      ],
    ];
    for (const [env, words] of cases) {
      const { code, out, err } = await tollgate(['serve'], {
        ...env,
        ...{
          TOLLGATE_LISTEN: '127.0.0.1:0',
          TOLLGATE_OPS_LISTEN: '127.0.0.1:0',
          TOLLGATE_PAGE_LISTEN: 'off',
        },
      });
      assert.equal(code, 1);
      assert.match(out + err, words);
      assert.ok(secret.length > 20 && !(out + err).includes(secret));
    }
  });
});

test('a gate leaves the loopback only where clients are asked who they are, or it is meant', () => {
  const file = new URL(import.meta.url).pathname;
  const pair = { TOLLGATE_TLS_CERT_FILE: file, TOLLGATE_TLS_KEY_FILE: file };
  const away = { TOLLGATE_LISTEN: '0.0.0.0:7400' };
  const cases: [Record<string, string>, RegExp | undefined][] = [
    [away, /anyone who reaches it can spend; set TOLLGATE_TLS_CERT_FILE.*TOLLGATE_INSECURE=1/],
    [{ ...away, ...pair }, /TLS alone .* asks nobody who they are.*TOLLGATE_TLS_CLIENT_CA_FILE/],
    [{ ...away, ...pair, TOLLGATE_TLS_CLIENT_CA_FILE: file }, undefined],
    [{ ...away, ...pair, TOLLGATE_INSECURE: '1' }, undefined],
    [{ ...away, TOLLGATE_INSECURE: '1' }, undefined],
    [pair, undefined],
    [{ TOLLGATE_TLS_CERT_FILE: file }, /belong together/],
    [{ TOLLGATE_TLS_CLIENT_CA_FILE: file }, /needs one of the gate/],
    [{ ...pair, TOLLGATE_LISTEN: 'unix:///run/t.sock' }, /unix socket, which never leaves/],
  ];
  for (const [env, words] of cases) {
    const settings = readSettings(env);
    const said = 'problems' in settings ? settings.problems.join('\n') : '';
    if (words) assert.match(said, words);
    else assert.equal(said, '');
  }
});

/** Whose certificate a gate shows to a new connection; '' if it does not want the client. */
function subjectOf(address: string, ca: string, own: CertificateFiles): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectTls({
      ...{ host: 'localhost', port: Number(address.split(':').at(-1)), ALPNProtocols: ['h2'] },
      ...{ ca: readFileSync(ca), cert: readFileSync(own.cert), key: readFileSync(own.key) },
    });
    // Its settings come when it believes the client.
    socket.once('data', () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on('error', () => {});
    socket.once('close', () => resolve(''));
  });
}
