import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Entry } from '../../src/model/entry.js';
import { formatLine } from '../../src/model/ledger-line.js';
import { formatEntry } from '../../src/store/entry.js';
import { foldKey } from '../../src/store/keys.js';
import { tellPolicy } from '../../src/store/policies.js';
import { factsFor } from '../support/ledger.js';
import { NO_REDIS, type RedisProcess, startRedis } from '../support/redis.js';
import { tollgate } from '../support/run.js';
import { scratchFolder, writeScratch } from '../support/scratch.js';
import { accessSettings } from '../support/secured.js';
import { settledAt } from '../support/settled.js';
import { openStore } from '../support/store.js';

const DAY_MS = 86_400_000;

const POLICY = `
timezone: Asia/Kolkata
ledger: { labels: [customer] }
rules:
  - id: budget
    action: block
    rateLimit: { metric: estimated_cost_usd, limit: 50, window: 24h }
`;

describe('report and explain, from a ledger that nobody has summed up', { skip: NO_REDIS }, () => {
  const folder = scratchFolder();
  let redis: RedisProcess;
  let access: Record<string, string>;
  let env: Record<string, string>;
  const entries: Entry[] = [];
  const ask = (...args: string[]) => tollgate(args, env);

  before(async () => {
    redis = await startRedis();
    // It is about summing up, which a reader may not.
    access = { REDIS_URL: redis.url, ...accessSettings('keeper', redis.url) };
    env = { ...access, TOLLGATE_POLICY: writeScratch(folder, POLICY, 'policy.yaml') };
    const nowMs = Date.now();
    // Ten dollars a day, and forty in the last 24 hours: unusual today, or else yesterday.
    for (let ago = 20; ago > 0; ago -= 1) {
      const atMs = nowMs - ago * DAY_MS + 1_000;
      const entry = settledAt(atMs, 'support', (ago === 1 ? 40 : 10) * 1e9);
      const labels = { customer: ago % 2 === 0 ? 'acme' : 'bits' };
      const facts = factsFor(`c${ago}`, {
        agent: 'support',
        team: 'ops',
        run: 'r1',
        tool: 'search',
        labels,
      });
      entries.push({ ...entry, facts });
    }
    for (const entry of entries) {
      await redis.client.xadd(
        'tg:{default}:ledger',
        entry.id,
        ...Object.entries(formatEntry(entry)).flat(),
      );
    }
  });
  after(() => redis.stop());

  test('report sums it up first; text, CSV and JSON say the same', async () => {
    const [text, csv, json] = await Promise.all([
      ask('report', '--last', '30d'),
      ask('report', '--last', '30d', '--by', 'team,labels.customer', '--csv'),
      ask('report', '--last', '30d', '--json', '--agent', 'supp*', '--label', 'customer=acme'),
    ]);
    assert.equal(text.code, 0, text.err);
    assert.match(text.out, /^support +\$230\.00 +█{16} +100\.0% .* 20$/m);
    assert.match(text.out, /How it is known: 100\.0% settled, /);
    assert.ok(!text.out.includes('\u001b'), 'no colour but on a terminal');
    assert.deepEqual(
      csv.out
        .split('\r\n')
        .slice(1, 3)
        .map((line) => line.split(',').slice(0, 4)),
      [
        ['ops', 'bits', '130', '10'],
        ['ops', 'acme', '100', '10'],
      ],
    );
    const report = JSON.parse(json.out);
    assert.deepEqual([report.timezone, report.total.costUsd], ['Asia/Kolkata', '100']);
  });

  test('a command without that policy answers by the days and labels that were summed up, and says so', async () => {
    const other = access;
    const asked = ['report', '--last', '30d', '--by', 'labels.customer', '--json'];
    const report = JSON.parse((await tollgate(asked, other)).out);
    assert.deepEqual([report.timezone, report.total.costUsd], ['Asia/Kolkata', '230']);
    assert.match(report.notes.join(), /summed up; the policy of this command has UTC/);
  });

  test('explain tells of the agent, the bill, and a run', async () => {
    const file = writeScratch(
      folder,
      entries.map((entry) => formatLine(entry)).join('\n'),
      'ledger.ndjson',
    );
    const [agent, bill, run, filed] = await Promise.all([
      ask('explain', 'support', '--last', '2d'),
      ask('explain', '--last', '5d', '--json'),
      ask('explain', '--run', 'r1'),
      tollgate(['explain', '--run', 'r1', '--file', file]),
    ]);
    assert.equal(agent.code, 0, agent.err);
    assert.match(agent.out, /^Agent support of ops spent \$/m);
    assert.match(agent.out, /the ledger knows of no policy; now is what the policy file says/);
    assert.equal(JSON.parse(bill.out).agents[0].agent, 'support');
    assert.match(run.out, /^20 x support: search +\$230\.00 /m);
    assert.match(filed.out, /^20 x support: search +\$230\.00 /m, 'without any Redis');
  });

  test('what cannot be answered is said, with its exit code', async () => {
    const cases: [string[], number, RegExp][] = [
      [['explain', 'nobody'], 1, /^no call of an agent "nobody" is known; tollgate report lists/],
      [['explain', 'suport'], 1, /; did you mean "support"\?/],
      [['simulate', '/nowhere'], 2, /the policy \/nowhere: the file cannot be read: ENOENT/],
      [
        ['explain', '--run', 'r9'],
        1,
        /^the ledger, which goes back to .* has no call of the run r9/,
      ],
      [['explain', '--run', 'r9', '--file', '/nowhere'], 1, /^\/nowhere cannot be read: ENOENT/],
      [['report', '--by', 'labels.region'], 2, /name it under ledger\.labels/],
      [['report', '--month', '2026-99'], 2, /must be a month/],
      [['report', '--top', '0'], 2, /--top "0" must be a whole number from 1/],
      [['report', '--csv', '--json'], 2, /give one of --csv and --json/],
      [['explain', 'a', 'b'], 2, /at most one agent/],
    ];
    const runs = await Promise.all(cases.map(([args]) => ask(...args)));
    for (const [at, [args, code, said]] of cases.entries()) {
      assert.equal(runs[at]?.code, code, args.join(' '));
      assert.match(runs[at]?.err ?? '', said);
    }
    const unreachable = await tollgate(['report'], { REDIS_URL: 'redis://127.0.0.1:1' });
    assert.equal(unreachable.code, 4, unreachable.err);
  });

  test('where it is not remembered how, the last policy that the domain was told says it', async () => {
    const other = access;
    const asked = ['report', '--last', '30d', '--by', 'labels.customer', '--json'];
    const zones = (domain: string) => redis.client.hget(foldKey(domain), 'zones');
    // As an older version leaves it, with its policy still to be summed up.
    await redis.client.hdel(foldKey('default'), 'zones', 'labels');
    const unknown = await tollgate(['report', '--last', '30d'], other);
    assert.match(unknown.err, /^it is not known by whose days this domain was summed up: .* UTC/);
    const { connection } = await openStore(redis.url);
    const origin = { from: 'policy.yaml', by: 'pod' };
    for (const domain of ['default', 'fresh']) {
      await tellPolicy(connection, domain, { hash: 'abc', text: POLICY }, origin, 1_000);
    }
    const newerText = `${POLICY}\nnewKey: 1\n`;
    await tellPolicy(connection, 'newer', { hash: 'abd', text: newerText }, origin, 1_000);
    connection.close();
    const newer = await tollgate(['report', '--domain', 'newer', '--last', '30d'], other);
    assert.match(newer.err, /cannot be read here: .*newKey.*of a newer version .* UTC/);
    for (let time = 0; time < 2; time += 1) {
      const { out, err } = await tollgate(asked, other);
      const report = JSON.parse(out);
      assert.deepEqual([report.timezone, report.total.costUsd], ['Asia/Kolkata', '230'], err);
      assert.match(report.notes.join(), /summed up; the policy of this command has UTC/);
    }
    assert.equal(await zones('default'), null, 'only a keeper says what it was summed up by');
    // A domain that nobody has summed up before.
    await tollgate([...asked, '--domain', 'fresh'], other);
    const fresh = JSON.parse((await zones('fresh')) ?? '');
    assert.deepEqual(fresh, [{ timezone: 'Asia/Kolkata', fromMs: 0 }]);
  });
});
