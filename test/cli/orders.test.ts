import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { NO_REDIS, type RedisProcess, startRedis } from '../support/redis.js';
import { tollgate } from '../support/run.js';
import { scratchFolder, writeScratch } from '../support/scratch.js';
import { type SidecarProcess, spawnSidecar } from '../support/sidecar.js';

const POLICY = `
rules:
  - id: loop
    action: halt
    haltFor: 15m
    match: { tool: "*" }
    rateLimit: { limit: 5, window: 60 }
  - id: budget
    action: block
    rateLimit: { metric: estimated_cost_usd, limit: 1.00, window: 1h }
`;

describe('halts and grants', { skip: NO_REDIS }, () => {
  const folder = scratchFolder();
  let redis: RedisProcess;
  let one: SidecarProcess;
  let other: SidecarProcess;
  let env: Record<string, string>;
  before(async () => {
    redis = await startRedis();
    env = { REDIS_URL: redis.url, TOLLGATE_POLICY: writeScratch(folder, POLICY) };
    [one, other] = await Promise.all([spawnSidecar(env), spawnSidecar(env)]);
  });
  after(async () => {
    await Promise.all([one.stop(), other.stop()]);
    await redis.stop();
  });

  const ask = (sidecar: SidecarProcess, agent: string, cost = 0, tool = 'search') =>
    sidecar.channel.authorize({ agent_id: agent, tool, estimated_cost: cost }, 5_000);
  const order = (...args: string[]) => tollgate(args, env);

  test('a person halts an agent: the next decision of another sidecar says so', async () => {
    assert.equal((await ask(one, 'a')).verdict, 'VERDICT_ALLOW');
    const halted = await order('halt', 'a', '--why', 'runs wild', '--by', 'ana', '--for', '1h');
    assert.equal(halted.code, 0, halted.err);
    assert.match(halted.out, /^a is halted, until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\n$/);
    const denied = await ask(other, 'a');
    assert.equal(denied.verdict, 'VERDICT_DENY');
    assert.match(denied.reason, /^HALTED: a is halted since .*, until .*, by ana: runs wild$/);
    assert.deepEqual(
      [denied.halt?.agent_id, denied.halt?.by, denied.halt?.rule_id, denied.halt?.why],
      ['a', 'ana', '', 'runs wild'],
    );
    const untilUs = denied.halt?.until_us ?? 0;
    assert.equal(untilUs - (denied.halt?.since_us ?? 0), 3_600e6);
    assert.ok(Number(denied.retry_after_ms) > 3_500_000);
    assert.ok(denied.rules.every(({ used, denied: by }) => used === undefined && !by));
    assert.equal((await ask(other, 'b')).verdict, 'VERDICT_ALLOW', 'nobody else');

    const resumed = await order('resume', 'a');
    assert.equal(resumed.code, 0);
    assert.match(
      resumed.out,
      /^a is resumed; it was halted since .* by ana: runs wild\nits limits/,
    );
    assert.equal((await ask(one, 'a')).verdict, 'VERDICT_ALLOW');
    const again = await order('resume', 'a');
    assert.deepEqual([again.code, again.out], [1, 'a was not halted\n']);
  });

  test("everybody: halt '*' stops every agent until it is resumed", async () => {
    await order('halt', '*', '--why', 'the bill');
    const denied = await ask(other, 'whoever');
    assert.match(
      denied.reason,
      /^HALTED: every agent is halted .*, until somebody resumes it, by /,
    );
    assert.equal(denied.halt?.agent_id, '*');
    assert.equal(denied.retry_after_ms, undefined);
    assert.equal((await order('resume', '*')).code, 0);
    assert.equal((await ask(other, 'whoever')).verdict, 'VERDICT_ALLOW');
  });

  test('an agent that is called everyone halts only itself, and none may be called *', async () => {
    for (let n = 0; n < 6; n += 1) await ask(one, 'everyone');
    assert.match((await ask(other, 'everyone')).reason, /^HALTED: everyone is halted/);
    assert.equal((await ask(other, 'innocent')).verdict, 'VERDICT_ALLOW');
    await assert.rejects(ask(one, '*'), /agent_id: must not be \*/);
  });

  test('inspect halts nobody, nor says so', async () => {
    for (let n = 0; n < 5; n += 1) await ask(one, 'watched');
    const asked = { agent_id: 'watched', tool: 'search', estimated_cost: 0 };
    const seen = await one.channel.inspect(asked, 5_000);
    assert.deepEqual([seen.verdict, seen.halt], ['VERDICT_DENY', null]);
    assert.match(seen.reason, /; try again in \d+ s$/);
    assert.equal(await redis.client.hexists('tg:{default}:orders', 'halt:watched'), 0);
  });

  test('halts that have ended are dropped, so that agents that never come back leave nothing', async () => {
    const ended = `${(Date.now() - 2_000) * 1000} ${(Date.now() - 1_000) * 1000} {"why":"x"}`;
    for (let n = 0; n < 300; n += 1) {
      await redis.client.hset('tg:{default}:orders', `halt:gone-${n}`, ended);
    }
    await order('halt', 'stays', '--why', 'x');
    const fields = await redis.client.hkeys('tg:{default}:orders');
    assert.ok(fields.includes('halt:stays'));
    assert.ok(!fields.some((field) => field.startsWith('halt:gone-')), fields.join(' '));
  });

  test('a halt rule: after the first denial every call is refused before any window is read', async () => {
    for (let n = 0; n < 5; n += 1)
      assert.equal((await ask(one, 'looper')).verdict, 'VERDICT_ALLOW');
    const first = await ask(one, 'looper');
    assert.match(
      first.reason,
      /^loop: agent=looper has used 5 of 5 calls in 60 s, and this call asks for 1; the agent is HALTED since .* UTC, until .* UTC$/,
    );
    assert.equal(first.halt?.rule_id, 'loop');
    const reads = async () => {
      const stats = await redis.client.info('commandstats');
      return Number(/cmdstat_mget:calls=(\d+)/.exec(stats)?.[1]);
    };
    const before = await reads();
    for (let n = 0; n < 20; n += 1) {
      const { reason, halt } = await ask(n % 2 ? one : other, 'looper', 0, n % 3 ? 'search' : '');
      assert.match(
        reason,
        /^HALTED: looper is halted .*, by rule loop: agent=looper asked for more than 5 calls in 60 s$/,
      );
      assert.deepEqual([halt?.rule_id, halt?.since_us], ['loop', first.halt?.since_us]);
    }
    assert.equal(await reads(), before);
    const labels = '{agent="looper",team="",rule="loop"}';
    assert.equal(await one.metric('tollgate_halts_total', labels), 1);
    const denied = '{agent="looper",team="",rule="halt"}';
    assert.equal(await one.metric('tollgate_denials_total', denied), 10);
  });

  test('halts lists who is stopped and what was granted; resume says when the limit lets it pass', async () => {
    for (let n = 0; n < 6; n += 1) await ask(one, 'lister');
    await order(
      'grant',
      'lister',
      '--rule',
      'budget',
      '--add',
      '2.50',
      '--for',
      '4h',
      '--why',
      'demo',
    );
    const { out } = await order('halts');
    const [head = '', ...rows] = out.split('\n');
    assert.match(head, /^halted +since +until +by +why$/);
    assert.ok(
      rows.some((row) => /^lister .* rule loop +agent=lister asked for more/.test(row)),
      out,
    );
    assert.ok(
      rows.some((row) => /^lister +budget +\$2\.50 +.* UTC .* demo$/.test(row)),
      out,
    );
    const json = JSON.parse((await order('halts', '--json')).out);
    assert.equal(json.grants[0].add, 2_500_000_000);

    const resumed = await order('resume', 'lister');
    assert.match(
      resumed.out,
      /\nloop lets such a call pass in \d+ s; a call before then halts the agent again\n$/,
    );
    assert.match((await ask(other, 'lister')).reason, /^loop: .* HALTED/, 'so it does');
  });

  test('a grant adds to the limit of one agent at once, on every sidecar', async () => {
    const spend = async (cost: number) => (await ask(one, 'spender', cost, '')).verdict;
    assert.equal(await spend(1), 'VERDICT_ALLOW');
    assert.equal(await spend(0.5), 'VERDICT_DENY');
    const granted = await order(
      ...['grant', 'spender', '--rule', 'budget', '--add', '0.50', '--for', '4h', '--why', 'ok'],
    );
    assert.match(granted.out, /^spender may use \$0\.50 more under budget until .* UTC\n$/);
    const allowed = await ask(other, 'spender', 0.5, '');
    assert.deepEqual(
      [allowed.verdict, allowed.rules[0]?.limit, allowed.rules[0]?.granted],
      ['VERDICT_ALLOW', 1.5, 0.5],
    );
    assert.equal(await spend(0.000000001), 'VERDICT_DENY');
    assert.equal((await ask(one, 'another', 1.000000001, '')).verdict, 'VERDICT_DENY');
  });

  test('what is wrong with an order is said', async () => {
    const cases: [string[], RegExp][] = [
      [['halt', 'a'], /halt needs --why/],
      [['halt', '--why', 'x'], /halt takes one agent/],
      [['halt', 'a', '--why', 'x', '--for', 'soon'], /--for "soon" must be/],
      [['grant', 'a', '--rule', 'budget'], /grant needs/],
      [
        ['grant', 'a', '--rule', 'nope', '--add', '1', '--for', '1h', '--why', 'x'],
        /--rule "nope" is no rule with a limit; the policy has loop, budget/,
      ],
      [
        ['grant', 'a', '--rule', 'loop', '--add', '1.5', '--for', '1h', '--why', 'x'],
        /must be a whole number of calls/,
      ],
    ];
    for (const [args, message] of cases) {
      const { code, err } = await order(...args);
      assert.equal(code, 2, args.join(' '));
      assert.match(err, message);
    }
    const away = await tollgate(['halts'], { REDIS_URL: 'redis://127.0.0.1:1' });
    assert.equal(away.code, 4);
    assert.match(away.err, /cannot be reached: .*ECONNREFUSED/);
    const none = await tollgate(['halts']);
    assert.match(none.err, /REDIS_URL is not set/);
  });

  test('a halt that was seen stays in force while Redis is away', async () => {
    const agent = 'seen';
    await order('halt', agent, '--why', 'seen before');
    assert.match((await ask(one, agent)).reason, /^HALTED/);
    redis.signal('SIGSTOP');
    try {
      const denied = await ask(one, agent);
      assert.equal(denied.degraded, true);
      assert.match(denied.reason, /^HALTED: seen is halted .*: seen before$/);
      const free = await ask(one, 'unseen');
      assert.equal(free.halt, null, 'the failure modes decide');
    } finally {
      redis.signal('SIGCONT');
    }
  });
});
