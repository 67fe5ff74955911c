import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { openChannel } from '../../src/client/channel.js';
import { connect } from '../../src/client/gate.js';
import { type Certificates, makeCertificates, NO_OPENSSL } from '../support/certificates.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { freePort, NO_REDIS, type RedisProcess, startRedis } from '../support/redis.js';
import { tollgate } from '../support/run.js';
import { scratchFolder, writeScratch } from '../support/scratch.js';
import { MAIN } from '../support/sidecar.js';
import { until } from '../support/until.js';

/** Told apart from everything else that is written anywhere. */
const SECRETS = {
  right: 'sEcReT-right-password-0123456789',
  wrong: 'sEcReT-wrong-password-0123456789',
  file: 'sEcReT-file-password-0123456789',
  lineage: 'sEcReT-lineage-key-0123456789-0123456789',
  hook: 'sEcReT-webhook-path-0123456789',
  signing: 'sEcReT-signing-key-0123456789',
  tls: 'sEcReT-tls-key-0123456789',
  mislaid: 'sEcReT-where-its-file-belongs-0123456789',
  login: 'sEcReT-in-an-address-0123456789',
} as const;

const POLICY = `
rules:
  - { id: loop, action: halt, match: { tool: loop }, rateLimit: { limit: 1, window: 1h } }
alerts:
  - { name: broken, format: json, url: { env: BROKEN_URL }, secret: { env: SIGNING_KEY } }
  - { name: nobody, format: slack, url: { env: NOBODY_URL } }
  - { name: junk, format: slack, url: { env: JUNK_URL } }
`;

const MISTAKEN = `
rules: []
alerts: [{ name: a, format: json, url: "https://hooks.test/${SECRETS.hook}" }]
`;

/** A process, and all that it has written. */
interface Told {
  readonly child: ChildProcess;
  text: string;
}

describe('no secret is in anything that is written', { skip: NO_REDIS || NO_OPENSSL }, () => {
  const folder = NO_OPENSSL ? '' : scratchFolder();
  const told: Told[] = [];
  let redis: RedisProcess;
  let receiver: Receiver;
  let certificates: Certificates;
  let nobody: number;
  /** What was written, with where. */
  const written: [where: string, text: string][] = [];

  before(async () => {
    certificates = makeCertificates(folder);
    redis = await startRedis('--requirepass', SECRETS.right);
    receiver = await startReceiver();
    receiver.answers.push({ status: 404 }, { status: 500 });
    nobody = await freePort();
  });
  after(async () => {
    for (const { child } of told) child.kill('SIGKILL');
    await receiver.stop();
    await redis.stop();
  });

  const urlWith = (password: string, port = redis.port) => `redis://:${password}@127.0.0.1:${port}`;
  const withKey = (text: string) => ({
    TOLLGATE_TLS_CERT_FILE: certificates.server.cert,
    TOLLGATE_TLS_KEY_FILE: writeScratch(folder, text),
  });
  /** Everything that is secret, right or wrong, so that all of it may be told. */
  const everything = () => ({
    TOLLGATE_LINEAGE_KEY_FILE: writeScratch(folder, `${SECRETS.lineage}\n`),
    TOLLGATE_POLICY: writeScratch(folder, POLICY),
    BROKEN_URL: `${receiver.url}/${SECRETS.hook}`,
    NOBODY_URL: `http://user:${SECRETS.hook}@127.0.0.1:${nobody}/${SECRETS.hook}`,
    JUNK_URL: `ftp:${SECRETS.hook}`,
    SIGNING_KEY: SECRETS.signing,
    TOLLGATE_LOG_LEVEL: 'debug',
  });

  function serve(env: Record<string, string>): Told {
    const child = spawn(process.execPath, [MAIN, 'serve'], {
      env: {
        PATH: process.env['PATH'],
        TOLLGATE_LISTEN: '127.0.0.1:0',
        TOLLGATE_OPS_LISTEN: '127.0.0.1:0',
        TOLLGATE_PAGE_LISTEN: '127.0.0.1:0',
        ...everything(),
        ...env,
      },
    });
    const one: Told = { child, text: '' };
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk) => {
        one.text += String(chunk);
      });
    }
    told.push(one);
    return one;
  }
  const fieldOf = ({ text }: Told, name: string) =>
    new RegExp(`"${name}":"([^"]+)"`).exec(text)?.[1] ?? '';
  const says = (one: Told, words: RegExp) =>
    until(`${words} in\n${one.text}`, () => words.test(one.text));

  /** Asks a sidecar of everything that it shows. */
  async function look(one: Told): Promise<void> {
    await says(one, /tollgate is ready/);
    const ops = `http://${fieldOf(one, 'ops')}`;
    const page = fieldOf(one, 'page');
    for (const url of [`${ops}/metrics`, `${ops}/metrics`, page, `${page}state.json`]) {
      written.push([url, await (await fetch(url)).text()]);
    }
    written.push(['ps', readFileSync(`/proc/${one.child.pid}/cmdline`, 'latin1')]);
  }

  test('by a sidecar to which all happens that can', async () => {
    const policy = writeScratch(folder, POLICY, 'policy.yaml');
    const good = serve({ REDIS_URL: urlWith(SECRETS.right), TOLLGATE_POLICY: policy });
    const mistrusted = serve({ REDIS_URL: urlWith(SECRETS.wrong) });
    const mistaken = serve({
      REDIS_URL: urlWith(SECRETS.wrong),
      TOLLGATE_REDIS_PASSWORD_FILE: writeScratch(folder, SECRETS.file),
    });
    const alone = serve({ REDIS_URL: urlWith(SECRETS.right, nobody) });
    const secured = serve({
      REDIS_URL: urlWith(SECRETS.right),
      ...withKey(readFileSync(certificates.server.key, 'utf8')),
    });
    await Promise.all([good, mistrusted, mistaken, alone, secured].map(look));
    const channel = openChannel(fieldOf(good, 'listen'));
    const calls = [
      { agent_id: 'a', tool: 'loop' },
      { agent_id: 'a', tool: 'loop' },
      { agent_id: '' },
    ];
    for (const call of calls) await channel.authorize(call, 10_000).catch(() => {});
    const forged = { agent_id: 'b', parent: `Yg.${'A'.repeat(22)}` };
    await assert.rejects(channel.authorize(forged, 10_000), /TOLLGATE_LINEAGE_KEY/);
    await says(good, /JUNK_URL/);
    // Either keeper may have the turn.
    const keepers = () => good.text + secured.text;
    let agents = 0;
    await until('alerts that are not taken', async () => {
      // Whoever has the turn follows the ledger from then on.
      const call = { agent_id: `halted-${agents++}`, tool: 'loop' };
      for (let n = 0; n < 2; n += 1) await channel.authorize(call, 10_000);
      return ['broken', 'nobody'].every((route) =>
        new RegExp(`"route":"${route}".*(not taken|given up)`).test(keepers()),
      );
    });
    channel.close();
    await says(mistrusted, /WRONGPASS|NOAUTH/);
    await says(mistaken, /WRONGPASS|NOAUTH/);
    await says(alone, /ECONNREFUSED/);
    writeScratch(folder, MISTAKEN, 'policy.yaml');
    good.child.kill('SIGHUP');
    await says(good, /the policy file is refused/);
    await look(good);
  });

  test('by one that does not start', async () => {
    const cases: [Record<string, string>, RegExp][] = [
      [{ REDIS_URL: `redis://:${SECRETS.right}@` }, /REDIS_URL has an empty or malformed host/],
      [{ REDIS_URL: `redis://:${SECRETS.right}%zz@h` }, /percent-encoded/],
      [{ REDIS_URL: `http://:${SECRETS.right}@h` }, /REDIS_URL must look like/],
      [
        { REDIS_URL: `redis://:an@${SECRETS.right}@127.0.0.1:${redis.port}` },
        /an @ in the password is written %40/,
      ],
      ...[
        ...['TOLLGATE_REDIS_PASSWORD_FILE', 'TOLLGATE_REDIS_SENTINEL_PASSWORD_FILE'],
        ...['TOLLGATE_REDIS_CA_FILE', 'TOLLGATE_REDIS_CERT_FILE', 'TOLLGATE_REDIS_KEY_FILE'],
        ...['TOLLGATE_LINEAGE_KEY_FILE', 'TOLLGATE_TLS_KEY_FILE', 'TOLLGATE_TLS_CLIENT_CA_FILE'],
      ].flatMap((name): [Record<string, string>, RegExp][] =>
        [SECRETS.mislaid, `-----BEGIN PRIVATE KEY-----\n/${SECRETS.mislaid}`].map((secret) => [
          { [name]: secret },
          new RegExp(`${name}: cannot be read; it must be the path of a file`),
        ]),
      ),
      [{ TOLLGATE_LISTEN: `u:${SECRETS.login}@127.0.0.1:0` }, /no user and no password/],
      [{ TOLLGATE_LINEAGE_KEY: SECRETS.lineage }, /are both set: leave one out/],
      [
        { TOLLGATE_LINEAGE_KEY_FILE: writeScratch(folder, SECRETS.lineage.slice(0, 24)) },
        /must have at least 32 characters/,
      ],
      [withKey(SECRETS.tls), /cannot listen .* TLS files are refused/],
      [
        withKey(`-----BEGIN PRIVATE KEY-----\n${SECRETS.tls}\n-----END PRIVATE KEY-----\n`),
        /TLS files/,
      ],
      [{ TOLLGATE_POLICY: writeScratch(folder, MISTAKEN) }, /the policy file is refused/],
      [{ TOLLGATE_POLICY: writeScratch(folder, `rules: ${SECRETS.hook}: [`) }, /the policy file/],
    ];
    const ending = cases.map(async ([env, words]) => {
      const one = serve(env);
      await until('its end', () => one.child.exitCode !== null);
      await says(one, words);
    });
    await Promise.all(ending);
  });

  test('by a command', async () => {
    const commands = [
      'doctor',
      'report',
      'explain bill',
      'tail',
      'halts',
      'halt a',
      'export ledger',
      'authorize --agent a',
    ];
    const urls = [
      urlWith(SECRETS.wrong),
      urlWith(SECRETS.right, nobody),
      `redis://:${SECRETS.right}@`,
    ];
    for (const url of urls) {
      for (const command of commands) {
        const run = await tollgate(command.split(' '), {
          ...everything(),
          REDIS_URL: url,
          TOLLGATE_ADDRESS: `127.0.0.1:${nobody}`,
        });
        assert.notEqual(run.code, 0, `${command}: ${run.out}${run.err}`);
        written.push([`tollgate ${command}`, run.out + run.err]);
      }
    }
    for (const command of ['doctor', 'halts', 'report']) {
      const run = await tollgate([command], { ...everything(), REDIS_URL: urlWith(SECRETS.right) });
      written.push([`tollgate ${command}`, run.out + run.err]);
    }
    const sidecars: [Record<string, string>, RegExp][] = [
      [{ TOLLGATE_ADDRESS: `tls://u:${SECRETS.login}@127.0.0.1:${nobody}` }, /no user and no/],
      [{ TOLLGATE_ADDRESS: `${SECRETS.login}@127.0.0.1:${nobody}` }, /no user and no password/],
      ...['CERT', 'KEY'].map((what): [Record<string, string>, RegExp] => [
        {
          TOLLGATE_ADDRESS: `tls://127.0.0.1:${nobody}`,
          TOLLGATE_CLIENT_CERT_FILE: certificates.client.cert,
          TOLLGATE_CLIENT_KEY_FILE: certificates.client.key,
          [`TOLLGATE_CLIENT_${what}_FILE`]: SECRETS.mislaid,
        },
        /refused: cannot be read; it must be the path of a file/,
      ]),
    ];
    for (const [env, words] of sidecars) {
      const { code, out, err } = await tollgate(['authorize', '--agent', 'a'], env);
      assert.notEqual(code, 0);
      assert.match(err, words);
      written.push([`tollgate authorize`, out + err]);
      const { TOLLGATE_ADDRESS: address, ...files } = env;
      const options = {
        address,
        certFile: files['TOLLGATE_CLIENT_CERT_FILE'],
        keyFile: files['TOLLGATE_CLIENT_KEY_FILE'],
      };
      assert.throws(
        () => connect(options),
        (error) => {
          written.push(['connect', String(error)]);
          return error instanceof TypeError;
        },
      );
    }
    for (const [field, words] of [
      [`url: {"https://h/${SECRETS.hook}": 1}`, /alerts\[0\].url: unknown key/],
      [`url: {${SECRETS.hook}: 1}`, /alerts\[0\].url: unknown key/],
      [`"https://h/${SECRETS.hook}": 1`, /alerts\[0\]: unknown key/],
      [`url: *${SECRETS.hook}`, /Unresolved alias .*quote a/],
      [`url: !${SECRETS.hook} x`, /a tag such as !x means nothing here/],
    ] as const) {
      const policy = `rules: []\nalerts: [{ name: a, format: json, ${field} }]\n`;
      const { code, out, err } = await tollgate(['check', writeScratch(folder, policy)], {});
      assert.notEqual(code, 0, field);
      assert.match(out + err, words);
      written.push([`tollgate check`, out + err]);
    }
    const check = await tollgate(['check', writeScratch(folder, POLICY)], everything());
    written.push(['tollgate check', check.out + check.err]);
  });

  test('of all that, none has one', () => {
    for (const { text } of told) written.push(['log', text]);
    assert.ok(written.length > 40);
    const pem = readFileSync(certificates.server.key, 'utf8').split('\n')[1] ?? '';
    for (const secret of [...Object.values(SECRETS), pem]) {
      const spellings = [
        secret,
        Buffer.from(secret).toString('base64').slice(0, 30),
        Buffer.from(secret).toString('hex'),
      ];
      for (const [where, text] of written) {
        for (const spelling of spellings) {
          assert.ok(!text.includes(spelling), `${where} has ${secret}:\n${text.slice(0, 2_000)}`);
        }
      }
    }
  });
});
