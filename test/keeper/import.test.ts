import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Entry } from '../../src/model/entry.js';
import { formatRanges } from '../../src/model/id-ranges.js';
import { foldPending } from '../../src/store/fold.js';
import { readFoldState } from '../../src/store/fold-state.js';
import { openImport } from '../../src/store/import.js';
import { foldKey, ledgerKey, openKeys } from '../../src/store/keys.js';
import { createLosses } from '../../src/store/losses.js';
import { readSpend } from '../../src/store/spend-reader.js';
import { createLog } from '../../src/telemetry/log.js';
import { createMetrics } from '../../src/telemetry/metrics.js';
import {
  appendEntries,
  entriesOf,
  factsFor,
  plainSpend,
  plainTotal,
  storedSpend,
  totalOf,
  UTC,
} from '../support/ledger.js';
import { seeded } from '../support/seed.js';
import { ENGINES, type SimulatedRedis, startSimulated } from '../support/simulated.js';

const DAY_MS = 86_400_000;
const FOREVER_MS = 60_000;
const NOW_MS = Date.now();

for (const { engine, skip } of ENGINES) {
  describe(`an import on ${engine}`, { skip }, () => {
    let redis: SimulatedRedis;
    before(async () => {
      redis = await startSimulated(engine);
    });
    after(() => redis.close());

    /** One import of its own. */
    const take = async (domain: string, entries: readonly Entry[]) => {
      const { unsure, ...done } = await openImport(redis.connection, domain, UTC)(entries);
      assert.equal(unsure, 0);
      return done;
    };

    const fold = (domain: string) => foldPending(redis.connection, domain, UTC, FOREVER_MS);

    async function assertSpend(domain: string, entries: readonly Entry[]): Promise<void> {
      const stored = await storedSpend(redis.connection, domain, entries, UTC);
      assert.deepEqual(stored, plainSpend(entries, UTC));
    }

    test('counts once what comes twice, in any number of files, and after a crash goes on', async () => {
      const past = entriesOf(seeded(7), 1_200, NOW_MS - 20 * DAY_MS);
      // A crash in the middle, while another folds.
      await take('twice', past.slice(0, 700));
      const results = await Promise.all([take('twice', past), take('twice', past)]);
      assert.equal(
        results.reduce((all, { taken }) => all + taken, 0),
        500,
      );
      assert.deepEqual(await take('twice', past), { taken: 0, skipped: past.length });
      await assertSpend('twice', past);
      const { importedRanges } = await readFoldState(redis.connection, 'twice');
      assert.deepEqual(importedRanges, [{ from: past[0]?.id, to: past.at(-1)?.id }]);
      const { sinceMs } = (await readSpend(redis.connection, 'twice').known()) ?? {};
      assert.equal(sinceMs, past[0]?.atMs);
    });

    test('takes the second half before the first, and then the whole', async () => {
      const past = entriesOf(seeded(9), 600, NOW_MS - 20 * DAY_MS);
      assert.deepEqual(await take('halves', past.slice(300)), { taken: 300, skipped: 0 });
      assert.deepEqual(await take('halves', past.slice(0, 200)), { taken: 200, skipped: 0 });
      assert.deepEqual(await take('halves', past), { taken: 100, skipped: 500 });
      await assertSpend('halves', past);
      const { sinceMs } = (await readSpend(redis.connection, 'halves').known()) ?? {};
      assert.equal(sinceMs, past[0]?.atMs);
    });

    test('refuses more gaps than a domain remembers, and takes what leaves none', async () => {
      const { connection } = redis;
      const past = entriesOf(seeded(12), 3, NOW_MS - 20 * DAY_MS);
      const ranges = Array.from({ length: 200 }, (_, i) => ({ from: `${i}-1`, to: `${i}-2` }));
      const text = formatRanges(ranges);
      await connection.command('HSET', foldKey('gaps'), 'importedRanges', text);
      await assert.rejects(take('gaps', past), /name the rest of the files in one command/);
      const [last] = ranges.slice(-1);
      await connection.command(
        ...(['HSET', foldKey('gaps'), 'importedRanges'] as const),
        text.replace(`${last?.to}`, `${past[0]?.id}`),
      );
      assert.equal((await take('gaps', past)).taken, 2);
    });

    test('goes on where an import of before has ended', async () => {
      const past = entriesOf(seeded(10), 400, NOW_MS - 20 * DAY_MS);
      await take('before', past.slice(100, 200));
      await redis.connection.command('HDEL', foldKey('before'), 'importedRanges');
      assert.deepEqual(await take('before', past), { taken: 300, skipped: 100 });
      await assertSpend('before', past);
    });

    test('takes what the ledger lacks, before it and in the middle of it, to the entry', async () => {
      const { connection } = redis;
      const atMs = NOW_MS - 2 * DAY_MS;
      const all = entriesOf(seeded(8), 900, atMs);
      // A snapshot has the first, and what was lost with it came before the rest. Some is not folded yet.
      const own = [...all.slice(200, 400), ...all.slice(600)];
      await appendEntries(connection, 'middle', own.slice(0, 350));
      await fold('middle');
      await appendEntries(connection, 'middle', own.slice(350));
      const toCome = { ...all[0], id: `${NOW_MS + DAY_MS}-0`, atMs: NOW_MS + DAY_MS } as Entry;
      const done = await take('middle', [...all, toCome]);
      assert.deepEqual(done, { taken: 400, skipped: own.length + 1 });
      assert.deepEqual(await take('middle', all), { taken: 0, skipped: all.length });
      await fold('middle');
      await assertSpend('middle', all);
    });

    test('does not take again what the ledger had, and was trimmed: not known whether it counts', async () => {
      const { connection } = redis;
      const all = entriesOf(seeded(11), 300, NOW_MS - 2 * DAY_MS);
      const importAll = () => openImport(connection, 'trimmed', UTC)(all);
      await appendEntries(connection, 'trimmed', all.slice(50));
      await fold('trimmed');
      await connection.command('XTRIM', ledgerKey('trimmed'), 'MAXLEN', 40);
      assert.deepEqual(await importAll(), { taken: 50, skipped: 40, unsure: 210 });
      await connection.command('DEL', '', ledgerKey('trimmed'));
      assert.deepEqual(await importAll(), { taken: 0, skipped: 50, unsure: 250 });
      await assertSpend('trimmed', all);
    });

    test('takes what a restore has lost, when the ledger has nothing of then any more', async () => {
      const { connection } = redis;
      const log = createLog('silent', 'json');
      const all = entriesOf(seeded(13), 300, NOW_MS - 2 * DAY_MS);
      const others = [createMetrics(), createMetrics()].map((metrics) =>
        createLosses(metrics, log),
      );
      const look = () => Promise.all(others.map((losses) => losses.look(connection, 'gap', false)));
      const add = (from: number, to: number) =>
        appendEntries(connection, 'gap', all.slice(from, to));
      await add(0, 100);
      await fold('gap');
      const snapshot = await connection.command('HGETALL', foldKey('gap'));
      await add(100, 150);
      await look();
      await add(150, 200);
      // A snapshot of the first 100 is restored.
      const lost = all.slice(100, 200).map(({ id }) => id);
      await connection.command('XDEL', ledgerKey('gap'), ...lost);
      await connection.command('HSET', foldKey('gap'), ...(snapshot as string[]));
      await add(200, 250);
      await look();
      await add(250, 300);
      await fold('gap');
      await connection.command('XTRIM', ledgerKey('gap'), 'MAXLEN', 10);
      const { gaps } = await readFoldState(connection, 'gap');
      assert.deepEqual(gaps, [{ from: all[99]?.id, to: all[200]?.id }]);
      assert.deepEqual(await take('gap', all), { taken: 100, skipped: 200 });
      assert.deepEqual(await take('gap', all), { taken: 0, skipped: 300 });
      await assertSpend('gap', all);
    });

    const held = { costNano: 7, costSource: 'table', tokensIn: 1, tokensOut: 2 } as const;
    const at = (atMs: number, seq = 0) => ({
      ...{ id: `${atMs}-${seq}`, atMs, facts: factsFor('job-1') },
    });
    const admitted = (atMs: number): Entry => ({
      ...{ ...at(atMs), kind: 'authorized', held, forced: false },
      holdUntilUs: (atMs + DAY_MS) * 1000,
    });
    const settled = (atMs: number): Entry => ({
      ...{ ...at(atMs, 1), kind: 'settled', state: 'settled', outcome: 'ok', held, settled: held },
      ...{ final: false, late: false, returned: false, ranOut: false },
    });

    const openCalls = (domain: string) =>
      redis.connection.command('HKEYS', openKeys(domain).calls) as Promise<string[]>;

    test('opens no hold: its settlement may come with the next file', async () => {
      const entries = [admitted(NOW_MS - 3_000), settled(NOW_MS - 2_000)];
      await take('open', entries.slice(0, 1));
      assert.deepEqual(await openCalls('open'), []);
      await take('open', entries);
      assert.equal(
        await totalOf(redis.connection, 'open', 'day', entries, UTC),
        plainTotal(entries),
      );
    });

    test('ends a hold of before it, and none of a call that has the same id since', async () => {
      for (const [domain, atMs, left] of [
        ['live', NOW_MS - 20 * DAY_MS, 1],
        ['restored', NOW_MS - 2_000, 0],
        ['at once', NOW_MS - 3_000, 0],
      ] as const) {
        await appendEntries(redis.connection, domain, [admitted(NOW_MS - 3_000)]);
        await fold(domain);
        assert.equal((await take(domain, [settled(atMs)])).taken, 1);
        assert.equal((await openCalls(domain)).length, left, domain);
      }
    });
  });
}
