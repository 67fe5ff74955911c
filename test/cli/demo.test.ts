import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { demo } from '../../src/cli/demo.js';
import { foldKey, ledgerKey } from '../../src/store/keys.js';
import { NO_REDIS, type RedisProcess, startRedis } from '../support/redis.js';

/** The demo as the command runs it; what it printed. */
async function runDemo(t: TestContext, redis: RedisProcess | undefined, ...args: string[]) {
  const lines: string[] = [];
  const print = (line: string) => lines.push(line);
  const prints = [t.mock.method(console, 'log', print), t.mock.method(console, 'error', print)];
  const known = process.env['REDIS_URL'];
  if (redis) process.env['REDIS_URL'] = redis.url;
  else delete process.env['REDIS_URL'];
  try {
    const code = await demo.run(args);
    return { code, printed: lines.join('\n') };
  } finally {
    for (const one of prints) one.mock.restore();
    if (known === undefined) delete process.env['REDIS_URL'];
    else process.env['REDIS_URL'] = known;
  }
}

describe('the demo', { skip: NO_REDIS }, () => {
  let redis: RedisProcess;
  before(async () => {
    redis = await startRedis();
  });
  after(() => redis.stop());

  test('fills an embedded store where no Redis is set, and asks it', async (t) => {
    const { code, printed } = await runDemo(t, undefined);
    assert.equal(code, 0, printed);
    assert.match(printed, /^Eight weeks of 12 agents in 4 teams, from .* seed 7:\n/);
    const [, entries = ''] = /^([\d,]+) entries, in the domain "demo"/m.exec(printed) ?? [];
    assert.ok(Number(entries.replaceAll(',', '')) > 50_000, printed);
    // What the history has planted is what the answers tell.
    assert.match(printed, /\$ tollgate report .*\n\nSpend of /);
    assert.match(printed, /\$ tollgate explain --from .*\n[\s\S]*How it is known: /);
    assert.match(
      printed,
      /\$ tollgate explain customer-support-v2 --day .*\n\ncustomer-support-v2, /,
    );
  });

  test('leaves what an earlier one has left, unless it is told to replace it', async (t) => {
    await redis.client.set('another', 'key');
    await redis.client.hset(foldKey('demo'), 'old', '1');
    const refused = await runDemo(t, redis);
    assert.equal(refused.code, 1);
    assert.match(refused.printed, /the domain "demo" is filled already.*--again/);
    assert.equal((await runDemo(t, redis, '--again')).code, 0);
    assert.equal(await redis.client.hget(foldKey('demo'), 'old'), null);
    assert.equal(await redis.client.get('another'), 'key');
  });

  test('never touches a domain that a sidecar writes to', async (t) => {
    await redis.client.xadd(ledgerKey('demo'), '*', 'k', 'p');
    const refused = await runDemo(t, redis, '--again');
    assert.equal(refused.code, 1);
    assert.match(refused.printed, /has a ledger that a sidecar has written/);
    assert.equal(await redis.client.exists(foldKey('demo')), 1);
  });
});
