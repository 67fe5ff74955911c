import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startReceiver } from '../support/receiver.js';
import { NO_REDIS, type RedisProcess, startRedis } from '../support/redis.js';
import { tollgate } from '../support/run.js';
import { scratchFolder, writeScratch } from '../support/scratch.js';
import { spawnSidecar } from '../support/sidecar.js';
import { until } from '../support/until.js';

const POLICY = `
rules:
  - id: token-budget-daily
    action: block
    rateLimit: { metric: estimated_cost_usd, limit: 50, window: 1d }
alerts: [{ name: hook, format: json, url: { env: HOOK_URL } }]
`;

describe('doctor', { skip: NO_REDIS }, () => {
  const folder = scratchFolder();
  let redis: RedisProcess;
  before(async () => {
    redis = await startRedis('--appendonly', 'yes', '--requirepass', 's3cret');
  });
  after(() => redis.stop());
  const withPassword = () => redis.url.replace('//', '//:s3cret@');
  const doctor = (url: string, env: Record<string, string> = {}) =>
    tollgate(['doctor'], { REDIS_URL: url, ...env });

  test('finds nothing wrong with a good Redis, and leaves nothing there', async () => {
    const { code, out } = await doctor(withPassword());
    assert.equal(code, 0, out);
    for (const line of out.trimEnd().split('\n')) assert.match(line, /^ok /);
    assert.match(out, /version 7\./);
    assert.match(out, /the scripts run/);
    assert.match(out, /a decision takes \d+\.\d ms there and back/);
    assert.deepEqual(await redis.client.keys('*'), []);
  });

  test('names the fix of each failure, and never the password', async () => {
    const cases: [() => Promise<{ code: number; out: string }>, number, RegExp][] = [
      [
        () => doctor('redis://127.0.0.1:1'),
        1,
        /fail {2}redis:\/\/127\.0\.0\.1:1\/0 is not reachable: .*\n {6}fix: correct host and port/,
      ],
      [
        () => doctor(redis.url),
        1,
        /is not reachable: .*NOAUTH.*\n {6}fix: correct the user and password/s,
      ],
      [
        () => doctor(redis.url.replace('//', '//:wr0ng@')),
        1,
        /WRONGPASS.*\n {6}fix: correct the user and password/,
      ],
      [
        () => doctor(withPassword(), { TOLLGATE_REDIS_MODE: 'cluster' }),
        1,
        /fail .*\n {6}fix: set TOLLGATE_REDIS_MODE=single/,
      ],
      [() => tollgate(['doctor'], {}), 0, /warn {2}REDIS_URL is not set.*\n {6}fix: set REDIS_URL/],
      [() => doctor('nonsense'), 1, /fail {2}REDIS_URL must look like/],
    ];
    for (const [run, code, message] of cases) {
      const result = await run();
      assert.match(result.out, message);
      assert.equal(result.code, code);
      assert.doesNotMatch(result.out, /s3cret|wr0ng/);
    }
  });

  test('fails a Redis that may evict, and one whose ACL forbids the scripts', async () => {
    await redis.client.config('SET', 'maxmemory-policy', 'volatile-lru');
    const evicting = await doctor(withPassword());
    await redis.client.config('SET', 'maxmemory-policy', 'noeviction');
    assert.equal(evicting.code, 1);
    assert.match(
      evicting.out,
      /fail {2}maxmemory-policy is volatile-lru: .*\n {6}fix: set maxmemory-policy to noeviction/,
    );
    await redis.client.call(
      'ACL',
      'SETUSER',
      'reader',
      'on',
      '>s3cret',
      '~tg:*',
      '+@read',
      '+info',
      '+ping',
      '+hello',
      '+auth',
      '+client',
    );
    const reader = await doctor(redis.url.replace('//', '//reader:s3cret@'));
    assert.equal(reader.code, 1);
    assert.match(
      reader.out,
      /fail {2}the script authorize fails: denied\n {6}fix: give the ACL user/,
    );
  });

  test('the rights that it names are enough: for a gate, and with more for a keeper and the commands', async () => {
    const rightsIn = (out: string) => {
      const [, rights = ''] =
        /fix: give the ACL user (?:of keepers and commands also )?([^;\n]*)/.exec(out) ?? [];
      return rights.trim().split(' ');
    };
    const grant = (rights: readonly string[]) =>
      redis.client.call('ACL', 'SETUSER', 'named', 'on', '>s3cret', ...rights);
    const url = redis.url.replace('//', '//named:s3cret@');
    await grant(['~tg:*', '+info']);
    await grant(rightsIn((await doctor(url)).out));
    const gate = await doctor(url);
    assert.match(gate.out, /ok {4}the scripts run/);
    assert.match(gate.out, /warn {2}a keeper's work fails at fold: NOPERM/);
    assert.equal(gate.code, 0, gate.out);
    await grant(rightsIn(gate.out));
    const keeper = await doctor(url);
    assert.doesNotMatch(keeper.out, /^(warn|fail)/m);

    await redis.client.call('ACL', 'LOG', 'RESET');
    const receiver = await startReceiver();
    const sidecar = await spawnSidecar({
      ...{ REDIS_URL: url, HOOK_URL: receiver.url, TOLLGATE_POLICY: writeScratch(folder, POLICY) },
    });
    // Two that are told, and one that goes on: its claim is renewed.
    receiver.answers.push({ status: 503 });
    for (const agent of ['b', 'c']) {
      const denied = ['authorize', '--address', sidecar.address, '--agent', agent, '--cost', '99'];
      assert.equal((await tollgate(denied)).code, 3);
    }
    await until('the denials to be told', () => receiver.received.length >= 3);
    const asked = ['authorize', '--address', sidecar.address, '--agent', 'a', '--cost', '0.5'];
    assert.equal((await tollgate(asked)).code, 0);
    for (const args of [
      ['halt', 'a', '--why', 'test'],
      ['halts'],
      ['resume', 'a'],
      ['grant', 'a', '--rule', 'token-budget-daily', '--add', '5', '--for', '1h', '--why', 'test'],
      ['annotate', 'a test'],
      ['report'],
      ['export'],
    ]) {
      const { code, err } = await tollgate(args, { REDIS_URL: url });
      assert.equal(code, 0, `${args.join(' ')}: ${err}`);
    }
    await sidecar.stop();
    await receiver.stop();
    const denied = (await redis.client.call('ACL', 'LOG')) as unknown[];
    // The client names its connection, which it can do without.
    assert.deepEqual(
      denied.filter((one) => !String(one).includes('client|')),
      [],
    );
  });
});
