import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse } from 'csv-parse/sync';
import type { Entry } from '../../src/model/entry.js';
import { formatLine } from '../../src/model/ledger-line.js';
import { nanoFromUsd } from '../../src/model/money.js';
import { appendEntries, type NewEntry } from '../../src/store/append.js';
import { ledgerKey } from '../../src/store/keys.js';
import { NO_WINDOW } from '../support/ledger.js';
import { NO_REDIS, type RedisProcess, startRedis } from '../support/redis.js';
import { tollgate } from '../support/run.js';
import { scratchFolder, writeScratch } from '../support/scratch.js';
import { accessSettings } from '../support/secured.js';
import { settledAt } from '../support/settled.js';
import { MAIN, type SidecarProcess, spawnSidecar } from '../support/sidecar.js';
import { openStore } from '../support/store.js';
import { until } from '../support/until.js';

const POLICY = `
timezone: Asia/Singapore
ledger: { labels: [customer] }
rules:
  - id: budget
    action: block
    rateLimit: { metric: estimated_cost_usd, limit: 1.00, window: 1h }
`;

/** Seven calls of two agents, some settled for more or less, one over the limit. */
const CALLS = [
  { id: '1', agent: 'writer', held: 0.1, used: 0.123456789 },
  { id: '2', agent: 'writer', held: 0.2, used: 0.000000001 },
  { id: '3', agent: 'reader', held: 0.3, used: 0.3 },
  { id: '4', agent: 'reader', held: 0.7, used: undefined },
  { id: '5', agent: 'reader', held: 0.4, used: undefined },
  { id: '6', agent: 'reader, "quoted"', held: 0.05, used: 0.07 },
];

/** Two of a loop, each over the limit, as a gate sums them up. */
const DENIED: NewEntry = {
  kind: 'denied',
  rule: 'budget',
  partition: 'agent=looper',
  facts: {
    callId: '',
    agent: 'looper',
    team: '',
    costCentre: '',
    instance: '',
    tool: 'search',
    model: '',
    provider: '',
    operation: '',
    run: '',
    parentCallId: '',
    rootAgent: 'looper',
    depth: 0,
    fingerprint: '',
    timestampMs: undefined,
    labels: {},
  },
  calls: 2,
  asked: { costNano: 3_000_000_000, costSource: 'caller', tokensIn: 0, tokensOut: 0 },
  ...NO_WINDOW,
  firstUs: 1_790_000_000_000_000,
  lastUs: 1_790_000_000_500_000,
};

const SPENT_NANO = 123_456_789n + 1n + 300_000_000n + 70_000_000n;

test('what is simulated may cost less than nothing, where only the end of a call is known', async () => {
  const folder = scratchFolder();
  const late: Entry = {
    ...settledAt(Date.parse('2026-03-08T12:00Z'), 'a', 200_000_000),
    ...{ final: false, late: true, ranOut: true },
    held: { costNano: 1_950_000_000, costSource: 'caller', tokensIn: 0, tokensOut: 0 },
  };
  const file = writeScratch(folder, `${formatLine(late)}\n`);
  const { out } = await tollgate(['simulate', writeScratch(folder, POLICY), '--file', file]);
  assert.match(out, /^cost +-\$1\.75 +-\$1\.75$/m);
});

describe('the ledger on the command line', { skip: NO_REDIS }, () => {
  const folder = scratchFolder();
  let redis: RedisProcess;
  let sidecar: SidecarProcess;
  let env: Record<string, string>;
  const run = (...args: string[]) => tollgate(args, env);

  before(async () => {
    redis = await startRedis();
    env = { REDIS_URL: redis.url, TOLLGATE_POLICY: writeScratch(folder, POLICY) };
    sidecar = await spawnSidecar(env);
    const { channel } = sidecar;
    for (const { id, agent, held, used } of CALLS) {
      await channel.authorize(
        {
          call_id: id,
          agent_id: agent,
          tool: 'search',
          provider: 'acme',
          cost_centre: 'cc-1',
          estimated_cost: held,
          labels: { customer: 'x' },
        },
        5_000,
      );
      if (used === undefined) continue;
      await channel.settle(
        { call_id: id, agent_id: agent, cost: used, outcome: 'OUTCOME_OK' },
        5_000,
      );
    }
    const { connection } = await openStore(redis.url);
    await appendEntries(connection, 'default', 1_000, [DENIED, DENIED]);
    connection.close();
  });
  after(async () => {
    await sidecar.stop();
    await redis.stop();
  });

  test('tail prints what happened last, for people and for programs', async () => {
    const all = await run('tail');
    assert.equal(all.code, 0, all.err);
    assert.match(all.out, /GMT\+8 {2}settled +writer +search +\$0\.123456789$/m);
    assert.match(
      all.out,
      /GMT\+8 {2}denied +looper +search +\$3\.00 +2 calls, by budget for agent=looper$/m,
    );
    const some = await run(
      'tail',
      '--agent',
      'writer',
      '--kind',
      'settled',
      '--last',
      '1',
      '--json',
    );
    const [line, rest] = some.out.split('\n');
    assert.equal(rest, '');
    const entry = JSON.parse(line ?? '');
    assert.deepEqual([entry.kind, entry.callId, entry.spendNano], ['settled', '2', 1]);
    const none = await run('tail', '--agent', 'nobody');
    assert.deepEqual([none.code, none.out], [0, '']);
    assert.match(none.err, /the domain "default" has no such entry/);
    assert.equal((await run('tail', '--kind', 'spent')).code, 2);
  });

  test('annotate is remembered beside the spend; tail that follows sees it, and an unreadable one', async () => {
    const child = spawn(process.execPath, [MAIN, 'tail', '-f', '--kind', 'annotation', '--json'], {
      env: { PATH: process.env['PATH'], ...accessSettings('reader', redis.url), ...env },
    });
    const said = { out: '', err: '' };
    child.stdout.on('data', (chunk) => {
      said.out += String(chunk);
    });
    child.stderr.on('data', (chunk) => {
      said.err += String(chunk);
    });
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    const note = await run(
      ...['annotate', 'a promotion', '--agent', 'writer', '--by', 'ana'],
      ...['--from', '2026-03-08', '--to', '2026-03-08'],
    );
    assert.equal(note.code, 0, note.err);
    assert.equal(note.err, '');
    await until('the follower to see it', () => said.out.includes('promotion'));
    await redis.client.xadd(ledgerKey('default'), '*', 'k', 'a', 'f', '');
    const mistyped = await run('annotate', 'what came after it', '--agent', 'writr');
    assert.equal(mistyped.code, 0);
    assert.match(
      mistyped.err,
      /^no call of an agent "writr" is known yet; did you mean "writer"\?$/m,
    );
    await until('the follower to have read past it', () => said.out.includes('after it'));
    child.kill('SIGTERM');
    assert.equal(await ended, 0, said.err);
    const { id: _id, at: _at, ...entry } = JSON.parse(said.out.split('\n')[0] ?? '');
    assert.deepEqual(entry, {
      domain: 'default',
      kind: 'annotation',
      agentId: 'writer',
      text: 'a promotion',
      by: 'ana',
      fromMs: Date.parse('2026-03-08T00:00+08:00'),
      toMs: Date.parse('2026-03-09T00:00+08:00'),
    });
    assert.match(said.err, /^entries that cannot be read, and were left out: 1$/m);
    const wrong = [
      [],
      [''],
      ['a', 'b'],
      ['x', '--from', 'someday'],
      ['x'.repeat(1_001)],
      ['two\nlines'],
      ['x', '--agent', 'a\u001b[31m'],
    ];
    const refused = await Promise.all(wrong.map((args) => run('annotate', ...args)));
    assert.deepEqual(
      refused.map(({ code }) => code),
      wrong.map(() => 2),
    );
    await redis.client.xdel(ledgerKey('default'), await lastUnreadable());
  });

  async function lastUnreadable(): Promise<string> {
    const entries = await redis.client.xrevrange(ledgerKey('default'), '+', '-');
    const found = entries.find(([, fields]) => fields.join() === 'k,a,f,');
    return found?.[0] ?? '';
  }

  /** What report says of each agent. */
  async function reported(): Promise<{ rows: unknown; total: { costUsd: string } }> {
    const report = await run(
      'report',
      '--by',
      'agent,costCentre,labels.customer',
      '--last',
      '2d',
      '--json',
    );
    assert.equal(report.code, 0, report.err);
    const { rows, total } = JSON.parse(report.out);
    return { rows, total };
  }

  test('the policy that is in force, put to the ledger, decides as the sidecar has', async () => {
    const simulated = await run('simulate', env['TOLLGATE_POLICY'] ?? '', '--json');
    assert.equal(simulated.code, 0, simulated.err);
    const { was, would, newlyDenied, newlyAllowed } = JSON.parse(simulated.out);
    assert.deepEqual([was.allowed, was.costUsd], [5, '0.49345679']);
    assert.ok(was.denied >= 4);
    assert.deepEqual([would, newlyDenied, newlyAllowed], [was, 0, 0]);
  });

  test('an export sums up to what report says, and importing it into nothing gives the same report', async () => {
    const before = await reported();
    const [ledger, csv, focus] = ['out.ndjson', 'out.csv', 'focus.csv'].map((name) =>
      join(folder, name),
    ) as [string, string, string];
    const exported = await Promise.all([
      run('export', '--out', ledger),
      run('export', '--out', csv),
      run('export', '--format', 'focus', '--out', focus),
    ]);
    for (const { code, out, err } of exported) assert.deepEqual([code, out], [0, ''], err);
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.endsWith('.part')),
      [],
    );
    const lines = readFileSync(ledger, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const summed = lines.reduce((sum, { spendNano = 0 }) => sum + BigInt(spendNano), 0n);
    assert.equal(summed, SPENT_NANO);
    assert.equal(before.total.costUsd, '0.49345679');

    type Row = Readonly<Record<string, string>>;
    const rowsOf = (file: string) => parse(readFileSync(file), { columns: true }) as Row[];
    const usdOf = (file: string, column: string) =>
      rowsOf(file)
        .map((row) => BigInt(nanoFromUsd(Number(row[column]))))
        .reduce((sum, nano) => sum + nano, 0n);
    assert.equal(usdOf(csv, 'costUsd'), SPENT_NANO);
    assert.equal(usdOf(focus, 'EffectiveCost'), SPENT_NANO);
    const charge = rowsOf(focus).find(({ ResourceId }) => ResourceId === 'reader, "quoted"');
    assert.deepEqual(
      [
        charge?.['ProviderName'],
        charge?.['SubAccountId'],
        charge?.['ConsumedQuantity'],
        charge?.['ConsumedUnit'],
      ],
      ['acme', 'cc-1', '1', 'Requests'],
    );
    assert.deepEqual(JSON.parse(charge?.['Tags'] ?? '').customer, 'x');
    assert.match(
      charge?.['BillingPeriodStart'] ?? '',
      /-(30|31|28|29)T16:00:00Z$/,
      'a month of Singapore',
    );

    const piped = await run('export');
    assert.equal(piped.out, readFileSync(ledger, 'utf8'));
    const earlier = await run('export', '--to', '2020-01-01');
    assert.deepEqual([earlier.code, earlier.out], [0, '']);

    await sidecar.stop();
    await redis.client.flushall();
    const damaged = writeScratch(folder, `${readFileSync(ledger, 'utf8')}{"id":1}\n`);
    const imported = await run('import', damaged);
    assert.equal(imported.code, 1, 'a line was no entry');
    assert.match(
      imported.out,
      new RegExp(`^${lines.length} entries taken into the domain "default"$`, 'm'),
    );
    assert.match(imported.out, new RegExp(`line ${lines.length + 1}: `));
    assert.deepEqual(await reported(), before);
    const again = await tollgate(['import', '-', '--json'], env, readFileSync(ledger, 'utf8'));
    assert.equal(again.code, 0, again.err);
    assert.deepEqual(
      [JSON.parse(again.out).taken, JSON.parse(again.out).skipped],
      [0, lines.length],
    );
    assert.deepEqual(await reported(), before, 'twice counts once');
  });

  test('an export that cannot be written leaves nothing behind', async () => {
    const file = join(folder, 'no-such-folder', 'x.ndjson');
    const done = await run('export', '--out', file);
    assert.equal(done.code, 1);
    assert.match(done.err, /no-such-folder/);
    assert.ok(!existsSync(file));
    assert.equal((await run('export', '--format', 'xml')).code, 2);
    assert.equal((await run('import', join(folder, 'nothing'))).code, 2);
  });
});
