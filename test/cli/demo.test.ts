import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { demo } from '../../src/cli/demo.js';
import { keepPolicies, makeRoom, openDemoStore } from '../../src/cli/demo-store.js';
import { importInto } from '../../src/cli/spend.js';
import { DEMO_DOMAIN, eightWeeks } from '../../src/demo/eight-weeks.js';
import { fillStore } from '../../src/demo/fill.js';
import { historyOf } from '../../src/demo/history.js';
import type { PlannedPolicy } from '../../src/demo/plan.js';
import { readSettings } from '../../src/settings.js';
import { foldKey, ledgerKey } from '../../src/store/keys.js';
import { NO_REDIS, type RedisProcess, startRedis } from '../support/redis.js';

/** The demo as the command runs it; what it printed. */
async function runDemo(t: TestContext, redis: RedisProcess, ...args: string[]) {
  const lines: string[] = [];
  const print = (line: string) => lines.push(line);
  const prints = [t.mock.method(console, 'log', print), t.mock.method(console, 'error', print)];
  const known = process.env['REDIS_URL'];
  // It looks for all keys of its domain: no user of k8s/acl may.
  process.env['REDIS_URL'] = redis.plainUrl;
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

  test('replaces what an earlier one has left only if it is told to, and asks the store that it has filled', async (t) => {
    await redis.client.set('another', 'key');
    await redis.client.hset(foldKey('demo'), 'old', '1');
    const refused = await runDemo(t, redis);
    assert.equal(refused.code, 1);
    assert.match(refused.printed, /the domain "demo" is filled already.*--again/);
    const { code, printed } = await runDemo(t, redis, '--again');
    assert.equal(code, 0, printed);
    assert.equal(await redis.client.hget(foldKey('demo'), 'old'), null);
    assert.equal(await redis.client.get('another'), 'key');
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

  test('is inside this process where no Redis is set, and takes entries there', async () => {
    const settings = readSettings({});
    assert.ok(!('problems' in settings));
    const store = await openDemoStore(settings);
    assert.ok(typeof store !== 'string', String(store));
    assert.equal(store.where, 'an embedded Redis');
    assert.equal(await makeRoom(store.connection, false), undefined);
    const plan = eightWeeks(Date.now());
    const [{ policy }] = plan.policies as [PlannedPolicy];
    await keepPolicies(store.connection, plan.policies);
    const take = await importInto({ connection: store.connection, domain: DEMO_DOMAIN, policy });
    const entries = firstOf(500, historyOf(7, plan));
    assert.equal(await fillStore(entries, take, () => {}), 500);
    assert.match((await makeRoom(store.connection, false)) ?? '', /is filled already/);
    await store.close();
  });

  test('never touches a domain that a sidecar writes to', async (t) => {
    await redis.client.xadd(ledgerKey('demo'), '*', 'k', 'p');
    const refused = await runDemo(t, redis, '--again');
    assert.equal(refused.code, 1);
    assert.match(refused.printed, /has a ledger that a sidecar has written/);
    assert.equal(await redis.client.exists(foldKey('demo')), 1);
  });
});

function* firstOf<T>(count: number, all: Iterable<T>): Generator<T> {
  let n = 0;
  for (const one of all) {
    if (n === count) return;
    n += 1;
    yield one;
  }
}
