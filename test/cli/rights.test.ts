import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Redis } from 'ioredis';
import { aclUser, type RedisRole } from '../../src/redis/rights.js';
import { digestOf } from '../../src/redis/scripts.js';
import { NO_OPENSSL } from '../support/certificates.js';
import { NO_REDIS, type RedisProcess, startSecuredRedis } from '../support/redis.js';
import { tollgate } from '../support/run.js';
import { scratchFolder, writeScratch } from '../support/scratch.js';
import { accessSettings, USER_PASSWORD } from '../support/secured.js';
import { type SidecarProcess, spawnSidecar } from '../support/sidecar.js';
import { until } from '../support/until.js';

const TIMEOUT_MS = 10_000;
const CALLS = 5;

const POLICY = `
rules:
  - id: money
    action: block
    rateLimit: { metric: estimated_cost_usd, limit: ${CALLS}, window: 1d }
`;

const BY_TEAM = `
domain: "{team}"
rules:
  - id: money
    action: block
    per: [team]
    rateLimit: { metric: estimated_cost_usd, limit: ${CALLS}, window: 1d }
`;

describe('the users of k8s/acl', { skip: NO_REDIS || NO_OPENSSL }, () => {
  const folder = scratchFolder();
  let redis: RedisProcess;
  let gate: SidecarProcess;
  let env: Record<string, string>;
  before(async () => {
    redis = await startSecuredRedis('--appendonly', 'yes');
    env = { REDIS_URL: redis.url, TOLLGATE_POLICY: writeScratch(folder, POLICY) };
    gate = await spawnSidecar(env, ['--role', 'gate']);
    const ask = (n: number) =>
      gate.channel.authorize(
        { agent_id: 'a', call_id: `c${n}`, estimated_cost: 1, final: true },
        TIMEOUT_MS,
      );
    for (let n = 0; n < CALLS; n += 1) assert.equal((await ask(n)).verdict, 'VERDICT_ALLOW');
    assert.equal((await ask(CALLS)).verdict, 'VERDICT_DENY');
    // The gate sums denials up for a second.
    await until('the denial to be told', async () =>
      (await as('reader', 'tail')).out.includes('denied'),
    );
    await until('the gate to have told its policy', async () => {
      const keys = ['tg:{default}:policies', 'tg:domains'];
      return (await redis.client.exists(...keys)) === keys.length;
    });
  });
  after(async () => {
    await gate.stop();
    await redis.stop();
  });

  const as = (role: RedisRole, ...args: string[]) =>
    tollgate(args, { ...accessSettings(role, redis.url), ...env });
  const denials = async () =>
    ((await redis.client.call('ACL', 'LOG')) as unknown[]).map(String).filter(Boolean);

  test('a reader answers without a keeper, counts what waits by itself, says so, and writes nothing', async () => {
    await redis.client.call('ACL', 'LOG', 'RESET');
    const dump = async () => {
      const keys = (await redis.client.keys('*'))
        .filter((key) => !/gates|windows/.test(key))
        .sort();
      const bytes = await Promise.all(keys.map((key) => redis.client.dumpBuffer(key)));
      return keys.map((key, i) => `${key} ${digestOf(String(bytes[i]?.toString('base64')))}`);
    };
    const before = await dump();
    const report = await as('reader', 'report', '--json');
    assert.equal(report.code, 0, report.err);
    const { total } = JSON.parse(report.out);
    assert.deepEqual([total.calls, total.costUsd, total.denied], [CALLS, String(CALLS), 1]);
    assert.match(
      report.err,
      /^\d+ entries of the ledger are not summed up yet, .* for this answer/m,
    );
    const commands = [
      ...[['explain', 'a'], ['explain'], ['tail'], ['halts'], ['export'], ['doctor']],
      ...[
        ['export', '--format', 'csv'],
        ['export', '--format', 'focus'],
      ],
    ];
    for (const args of commands) {
      const { code, out, err } = await as('reader', ...args);
      assert.equal(code, 0, `${args.join(' ')}: ${err}`);
      assert.ok(out.length > 0, args.join(' '));
    }
    assert.deepEqual(await dump(), before, 'nothing was written');
    assert.deepEqual(await denials(), [], 'nothing was tried that is denied');
  });

  test('with a keeper it leaves the work to that, and the answer is the same', async () => {
    const alone = await as('reader', 'report', '--json');
    const keeper = await spawnSidecar(env, ['--role', 'keeper']);
    await until('the keeper to have summed up', async () => {
      const { err } = await as('reader', 'report');
      return err === '';
    });
    const kept = await as('reader', 'report', '--json');
    const plain = (out: string) => ({ ...JSON.parse(out), at: '', period: '', before: '' });
    assert.deepEqual(plain(kept.out).total, plain(alone.out).total);
    for (const args of [
      ['halt', 'b', '--why', 'test'],
      ['resume', 'b'],
      ['grant', 'a', '--rule', 'money', '--add', '5', '--for', '1h', '--why', 'test'],
      ['annotate', 'a test'],
      ['report'],
      ['export', '--format', 'csv'],
      ['doctor'],
    ]) {
      const { code, err } = await as('keeper', ...args);
      assert.equal(code, 0, `${args.join(' ')}: ${err}`);
    }
    await keeper.stop();
    assert.deepEqual(await denials(), [], 'nor was a gate or a keeper denied anything');
  });

  test('doctor says whom Redis takes it for, and what that is good for', async () => {
    const cases: [RedisRole, RegExp[]][] = [
      ['gate', [/^ok {4}the scripts run$/m, /^warn {2}a keeper's work fails at \w+: NOPERM/m]],
      ['keeper', [/^ok {4}the scripts run$/m, /^ok {4}the ledger can be summed up/m]],
      ['reader', [/^warn {2}the user may read, and not decide: .*\n {6}fix: .*k8s\/acl/m]],
    ];
    for (const [role, lines] of cases) {
      const { code, out } = await as(role, 'doctor');
      assert.equal(code, 0, out);
      assert.match(out, new RegExp(`its user "tollgate-${role}"$`, 'm'));
      for (const line of lines) assert.match(out, line);
    }
    await redis.client.call('ACL', 'SETUSER', 'tollgate-reader', '-xrange', '-evalsha_ro');
    const lacking = await as('reader', 'doctor');
    await redis.client.call('ACL', 'SETUSER', 'tollgate-reader', '+xrange', '+evalsha_ro');
    assert.equal(lacking.code, 1);
    assert.match(
      lacking.out,
      /^fail {2}the user lacks rights: of a gate .*; of a reader \+evalsha_ro \+xrange$/m,
    );
  });

  test('a stolen password does what its user may, and no more', async () => {
    const key = 'tg:{default}:stolen';
    const all: readonly RedisRole[] = ['gate', 'keeper', 'reader'];
    const writers: readonly RedisRole[] = ['gate', 'keeper'];
    const cases: [command: string[], who: readonly RedisRole[]][] = [
      // What can be asked.
      [['HGETALL', 'tg:{default}:orders'], all],
      [['XRANGE', 'tg:{default}:ledger', '-', '+', 'COUNT', '1'], all],
      // What cannot be kept from a gate, since its scripts do it.
      [['SET', key, '1'], writers],
      [['DEL', key], writers],
      [['EVAL', "return redis.call('SET', KEYS[1], '1')", '1', key], writers],
      [['HSET', 'tg:{default}:stolen-orders', 'halt', 'x'], writers],
      [['XADD', 'tg:{default}:stolen-ledger', '*', 'k', 'v'], writers],
      // By which a gate can cut off the ledger too, entry by entry or all but one.
      [['XADD', 'tg:{default}:stolen-ledger', 'MAXLEN', '1', '*', 'k', 'v'], writers],
      [['DEL', 'tg:{default}:stolen-ledger'], writers],
      // What only a keeper does.
      [['XTRIM', 'tg:{default}:stolen-ledger', 'MAXLEN', '0'], ['keeper']],
      // What nobody of them may.
      [['EVAL_RO', "return redis.call('SET', KEYS[1], '1')", '1', key], []],
      [['EVAL', "return redis.call('FLUSHALL')", '0'], []],
      [['EVAL', "return redis.call('GET', 'other')", '0'], []],
      [['GET', 'other'], []],
      [['SET', 'other', '1'], []],
      ...[
        ['FLUSHALL'],
        ['FLUSHDB'],
        ['KEYS', '*'],
        ['SCAN', '0'],
        ['RANDOMKEY'],
        ['SELECT', '1'],
        ['CONFIG', 'GET', '*'],
        ['CONFIG', 'SET', 'maxmemory', '1'],
        ['SCRIPT', 'FLUSH'],
        ['SCRIPT', 'KILL'],
        ['FUNCTION', 'LIST'],
        ['CLIENT', 'LIST'],
        ['CLIENT', 'KILL', 'TYPE', 'normal'],
        ['ACL', 'LIST'],
        ['ACL', 'SETUSER', 'x'],
        ['ACL', 'GETUSER', 'default'],
        ['MONITOR'],
        ['DEBUG', 'SLEEP', '0'],
        ['SHUTDOWN'],
        ['SAVE'],
        ['REPLICAOF', 'NO', 'ONE'],
        ['MIGRATE', '127.0.0.1', '1', key, '0', '1'],
        ['RESTORE', key, '0', 'x'],
        ['DUMP', key],
        ['PUBLISH', 'channel', 'x'],
        ['MODULE', 'LIST'],
        ['CLUSTER', 'RESET'],
        ['PERSIST', key],
        ['RENAME', key, 'tg:x'],
      ].map((command): [string[], readonly RedisRole[]] => [command, []]),
    ];
    for (const role of all) {
      const client = new Redis({
        ...{ port: redis.plainPort, username: `tollgate-${role}`, password: USER_PASSWORD },
        ...{ disableClientInfo: true, retryStrategy: null },
      });
      for (const [[command = '', ...args], who] of cases) {
        const answer = await client.call(command, ...args).then(
          () => 'may',
          (error: Error) => error.message,
        );
        const may =
          !/NOPERM|no permissions|ACL failure|not allowed|can't run this command|can't access/.test(
            answer,
          );
        assert.equal(may, who.includes(role), `${role}: ${command} ${args.join(' ')}: ${answer}`);
      }
      client.disconnect();
    }
    await redis.client.call('ACL', 'LOG', 'RESET');
  });

  test('a gate may be kept to the domain of its team', async () => {
    const keys = ['~tg:{sales}:*', '~tg:gates', '~tg:domains', '~tg:formats'];
    const rights = aclUser('gate').split(' ').slice(2);
    await redis.client.call(
      ...(['ACL', 'SETUSER', 'tollgate-sales', `>${USER_PASSWORD}`] as const),
      ...rights.flatMap((right) => (right.startsWith('~') ? keys : [right])),
    );
    await redis.client.call('ACL', 'LOG', 'RESET');
    const sales = await spawnSidecar(
      {
        ...env,
        TOLLGATE_REDIS_USERNAME: 'tollgate-sales',
        TOLLGATE_TEAM_ID: 'sales',
        TOLLGATE_POLICY: writeScratch(folder, BY_TEAM),
      },
      ['--role', 'gate'],
    );
    const own = await sales.channel.authorize({ agent_id: 'a', estimated_cost: 1 }, TIMEOUT_MS);
    assert.deepEqual([own.verdict, own.degraded], ['VERDICT_ALLOW', false]);
    await until('it to be known as a gate', async () => (await redis.client.hlen('tg:gates')) >= 2);
    await sales.stop();
    assert.deepEqual(await denials(), [], 'it needs nothing of other teams');
    assert.ok((await redis.client.keys('tg:{sales}:*')).length > 0);
  });

  test("a stolen password, a reader's too, can keep Redis busy; an administrator ends that", async () => {
    await redis.client.config('SET', 'busy-reply-threshold', '50');
    for (const [role, command] of [
      ['gate', 'EVAL'],
      ['reader', 'EVAL_RO'],
    ] as const) {
      const thief = new Redis({
        ...{ port: redis.plainPort, username: `tollgate-${role}`, password: USER_PASSWORD },
        ...{ disableClientInfo: true, retryStrategy: null },
      });
      const looping = thief.call(command, 'while true do end', '0').catch((error: Error) => error);
      const ask = () => gate.channel.authorize({ agent_id: 'z', estimated_cost: 0 }, TIMEOUT_MS);
      await until(`decisions by failure modes: ${role}`, async () => (await ask()).degraded);
      await until('the script to be ended', () =>
        redis.client.call('SCRIPT', 'KILL').then(
          () => true,
          () => false,
        ),
      );
      assert.match(String(await looping), /killed/i);
      thief.disconnect();
      await until('decisions by Redis again', async () => !(await ask()).degraded);
    }
  });
});
