import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Entry } from '../../src/model/entry.js';
import { formatLine } from '../../src/model/ledger-line.js';
import type { Connection } from '../../src/redis/connection.js';
import { foldPending } from '../../src/store/fold.js';
import { policiesKey } from '../../src/store/keys.js';
import { appendEntries, entriesOf, plainTotal, totalOf, UTC } from '../support/ledger.js';
import { NO_REDIS, type RedisProcess, startRedis } from '../support/redis.js';
import { tollgate } from '../support/run.js';
import { scratchFolder, writeScratch } from '../support/scratch.js';
import { seeded } from '../support/seed.js';
import { openStore } from '../support/store.js';

const DAY_MS = 86_400_000;
const FOREVER_MS = 60_000;

describe('import', { skip: NO_REDIS }, () => {
  const folder = scratchFolder();
  let redis: RedisProcess;
  let connection: Connection;
  before(async () => {
    redis = await startRedis();
    ({ connection } = await openStore(redis.url));
  });
  after(async () => {
    connection.close();
    await redis.stop();
  });

  /** Some entries of a domain, all of days ago. */
  const some = (seed: number) => entriesOf(seeded(seed), 400, Date.now() - 2 * DAY_MS);

  const linesOf = (domain: string | undefined, entries: readonly Entry[]) =>
    entries.map((entry) => formatLine(entry, { domain }));

  const fileOf = (name: string, ...lines: readonly (readonly string[])[]) =>
    writeScratch(folder, `${lines.flat().join('\n')}\n`, name);

  async function into(domain: string, files: readonly string[], input = '') {
    const env = { REDIS_URL: redis.url };
    const done = await tollgate(['import', ...files, '--domain', domain, '--json'], env, input);
    return { code: done.code, err: done.err, ...(done.out === '' ? {} : JSON.parse(done.out)) };
  }

  async function assertSpend(domain: string, entries: readonly Entry[]): Promise<void> {
    await foldPending(connection, domain, UTC, FOREVER_MS);
    const total = await totalOf(connection, domain, 'day', entries, UTC);
    assert.equal(total, plainTotal(entries), domain);
  }

  test('takes out of a file of several domains what is of its own', async () => {
    const [red, blue] = [some(1), some(2)];
    const file = fileOf(
      'domains.ndjson',
      linesOf('red', red.slice(0, 100)),
      linesOf('blue', blue.slice(0, 300)),
      linesOf('red', red.slice(100)),
      linesOf('blue', blue.slice(300)),
    );
    const done = await into('red', [file]);
    assert.deepEqual(
      [done.code, done.taken, done.skipped, done.otherDomains],
      [0, 400, 0, { blue: 400 }],
    );
    await assertSpend('red', red);
    const none = await into('green', [file]);
    assert.deepEqual([none.code, none.taken, none.otherDomains], [1, 0, { red: 400, blue: 400 }]);
    assert.equal((await into('green', [file, '--from-domain', 'blue'])).taken, 400);
    await assertSpend('green', blue);
  });

  test('takes rotated files and a sink that goes back, in any order, each entry once', async () => {
    const all = some(3);
    // As a restored Redis and a write that failed make a sink go back.
    const later = fileOf(
      '2.ndjson',
      linesOf('sink', all.slice(200)),
      linesOf('sink', all.slice(250, 380)),
    );
    const earlier = fileOf(
      '1.ndjson',
      linesOf(undefined, all.slice(0, 200)),
      ['{"id":'],
      linesOf('sink', all.slice(150, 210)),
    );
    const done = await into('sink', [later, earlier]);
    assert.deepEqual([done.code, done.taken, done.repeated], [1, 400, 190], done.err);
    assert.deepEqual(done.problems, [`${earlier} line 201: is not JSON`]);
    const again = await into('sink', ['-'], linesOf('sink', all).join('\n'));
    assert.deepEqual([again.code, again.taken, again.skipped], [0, 0, 400]);
    await assertSpend('sink', all);
    const shuffled = fileOf('3.ndjson', linesOf('other', all.toReversed()));
    const refused = await into('other', [shuffled]);
    assert.equal(refused.code, 1);
    assert.match(refused.err, /are in no order, and none was taken: sort them by their ids first/);
    assert.equal(await redis.client.exists('tg:{other}:fold'), 0);
  });

  test('takes what a line has that could not be read, once the line is mended', async () => {
    const all = some(5);
    const lines = linesOf('mended', all);
    const broken = (line: number) => [
      ...lines.slice(0, line),
      lines[line]?.slice(0, 40) ?? '',
      ...lines.slice(line + 1),
    ];
    // The second is half a sink that goes on in another file, whose last line was cut short.
    const whole = fileOf('whole.ndjson', lines);
    const one = fileOf('one.ndjson', broken(51));
    const half = fileOf('half.ndjson', broken(199).slice(0, 200), linesOf('blue', all.slice(0, 1)));
    const rest = fileOf('rest.ndjson', lines.slice(200), lines.slice(250, 260));
    for (const [domain, ...files] of [
      ['one', one],
      ['two', half, rest],
      ['three', rest, one, half],
    ] as const) {
      const first = await into(domain, ['--from-domain', 'mended', ...files]);
      const unread = domain === 'three' ? 0 : 1;
      assert.deepEqual([first.code, first.taken], [1, 400 - unread], first.err);
      const again = await into(domain, ['--from-domain', 'mended', whole]);
      assert.deepEqual([again.code, again.taken, again.skipped], [0, unread, 400 - unread]);
      assert.equal((await into(domain, ['--from-domain', 'mended', whole])).taken, 0);
      await assertSpend(domain, all);
    }
  });

  test('what is no file is said', async () => {
    const nowhere = await into('none', ['/nowhere']);
    assert.equal(nowhere.code, 2);
    assert.match(nowhere.err, /there is no file \/nowhere/);
    const dir = await into('none', [folder]);
    assert.equal(dir.code, 2);
    assert.match(dir.err, / is a folder: name the files in it/);
  });

  test('gives back what a restore from an older snapshot has lost', async () => {
    const all = some(4);
    await appendEntries(connection, 'back', all.slice(0, 150));
    await foldPending(connection, 'back', UTC, FOREVER_MS);
    await appendEntries(connection, 'back', all.slice(300));
    const done = await into('back', [fileOf('back.ndjson', linesOf('back', all))]);
    assert.deepEqual([done.code, done.taken, done.skipped], [0, 150, 250]);
    await assertSpend('back', all);
  });

  test('brings the texts of policies with it', async () => {
    const atMs = Date.now() - DAY_MS;
    const entry = {
      id: `${atMs}-0`,
      atMs,
      kind: 'policy',
      hash: 'abc',
      from: 'p',
      by: 'b',
    } as const;
    await redis.client.hset(policiesKey('from'), 'abc', JSON.stringify({ text: 'rules: []' }));
    await appendEntries(connection, 'from', [entry]);
    const env = { REDIS_URL: redis.url };
    const exported = await tollgate(['export', '--domain', 'from'], env);
    const done = await into('to', ['-', '--from-domain', 'from'], exported.out);
    assert.deepEqual([done.code, done.taken], [0, 1]);
    assert.deepEqual(await redis.client.hgetall(policiesKey('to')), {
      abc: JSON.stringify({ text: 'rules: []' }),
    });
  });
});
