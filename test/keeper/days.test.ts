import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { postingOf } from '../../src/model/spend.js';
import { dayStartsMs, hourStartsMs } from '../../src/policy/days.js';
import { LEDGER_DAYS } from '../../src/policy/ledger.js';
import { dateOf } from '../../src/report/dates.js';
import { newFolder } from '../../src/store/commit.js';
import { foldBatch, foldPending } from '../../src/store/fold.js';
import type { FoldOptions } from '../../src/store/fold-options.js';
import { readFoldState } from '../../src/store/fold-state.js';
import { foldKey } from '../../src/store/keys.js';
import { readSpend } from '../../src/store/spend-reader.js';
import { appendEntries, entriesOf, plainSpend, storedSpend } from '../support/ledger.js';
import { seeded } from '../support/seed.js';
import { ENGINES, type SimulatedRedis, startSimulated } from '../support/simulated.js';

const DAY_MS = 86_400_000;
const FOREVER_MS = 60_000;
/** Recent, since rows of old hours are dropped at once. */
const NOW_MS = Date.now();

const inTimezone = (timezone: string, keeps = true): FoldOptions => ({
  ...{ labels: ['customer'], timezone, keeps, days: LEDGER_DAYS },
});

for (const { engine, skip } of ENGINES) {
  describe(`the days of a domain on ${engine}`, { skip }, () => {
    let redis: SimulatedRedis;
    before(async () => {
      redis = await startSimulated(engine);
      await redis.setClock(NOW_MS * 1000);
    });
    after(() => redis.close());

    test('a command with another policy goes on as the domain is summed up', async () => {
      const domain = 'kolkata';
      const { connection } = redis;
      const kolkata = inTimezone('Asia/Kolkata');
      const entries = entriesOf(seeded(21), 300, NOW_MS - 3 * DAY_MS);
      await appendEntries(connection, domain, entries.slice(0, 150));
      await foldPending(connection, domain, kolkata, FOREVER_MS);
      await appendEntries(connection, domain, entries.slice(150));
      const other = { ...inTimezone('America/New_York', false), labels: [] };
      await foldPending(connection, domain, other, FOREVER_MS);
      const plain = plainSpend(entries, kolkata);
      assert.deepEqual(await storedSpend(connection, domain, entries, kolkata), plain);
    });

    test('a command takes no days for those of a domain that others have summed up before', async () => {
      const domain = 'older';
      const { connection } = redis;
      const kolkata = inTimezone('Asia/Kolkata');
      const entries = entriesOf(seeded(23), 200, NOW_MS - 3 * DAY_MS);
      const state = () => readFoldState(connection, domain);
      await appendEntries(connection, domain, entries.slice(0, 100));
      await foldPending(connection, domain, kolkata, FOREVER_MS);
      // An older version remembers neither.
      await connection.command('HDEL', foldKey(domain), 'zones', 'labels');
      await appendEntries(connection, domain, entries.slice(100, 150));
      await foldPending(connection, domain, inTimezone('UTC', false), FOREVER_MS);
      assert.deepEqual([(await state()).zones, (await state()).labels], [[], undefined]);
      await appendEntries(connection, domain, entries.slice(150));
      await foldPending(connection, domain, kolkata, FOREVER_MS);
      assert.deepEqual((await state()).zones, [{ timezone: 'Asia/Kolkata', fromMs: 0 }]);
      assert.deepEqual((await state()).labels, ['customer']);
    });

    for (const [from, to] of [
      ['Asia/Kolkata', 'UTC'],
      ['UTC', 'Asia/Kolkata'],
      ['Europe/Berlin', 'America/New_York'],
      ['Pacific/Auckland', 'Pacific/Honolulu'],
    ] as const) {
      test(`from ${from} to ${to} a date keeps what it had, and nothing is lost or counts twice`, async () => {
        const domain = `move-${from}`;
        const { connection } = redis;
        const random = seeded();
        const note = `SEED=${random.seed}`;
        const before = entriesOf(random, 300, NOW_MS - 3 * DAY_MS);
        await appendEntries(connection, domain, before);
        await foldPending(connection, domain, inTimezone(from), FOREVER_MS);
        const moving = entriesOf(random, 30, (before.at(-1)?.atMs ?? 0) + 1);
        await appendEntries(connection, domain, moving);
        const step = await foldBatch(connection, domain, newFolder(), inTimezone(to));
        const moved = step.step === 'folded' ? step.moved : undefined;
        assert.equal(moved?.timezone, to);
        // Around the moment, and for some days after it.
        const around = entriesOf(
          random,
          300,
          Math.max(moving.at(-1)?.atMs ?? 0, moved.fromMs - 90 * 60_000) + 1,
        );
        await appendEntries(connection, domain, around);
        await foldPending(connection, domain, inTimezone(to), FOREVER_MS);
        const entries = [...before, ...moving, ...around];
        const zones = (await readFoldState(connection, domain)).zones;
        assert.deepEqual(zones, [{ timezone: from, fromMs: 0 }, moved]);
        const dated = new Map<string, bigint>();
        for (const entry of entries) {
          const date = dateOf(entry.atMs, entry.atMs < moved.fromMs ? from : to);
          const costNano = postingOf(entry)?.sums.costNano ?? 0n;
          dated.set(date, (dated.get(date) ?? 0n) + costNano);
        }
        for (const asked of [from, to, 'America/St_Johns']) {
          const spend = readSpend(connection, domain, { days: LEDGER_DAYS, timezone: () => asked });
          const days = dayStartsMs(asked, NOW_MS - 6 * DAY_MS, NOW_MS + 9 * DAY_MS);
          const hours = hourStartsMs(asked, NOW_MS - 6 * DAY_MS, NOW_MS + 9 * DAY_MS);
          const found = new Map([...dated.keys()].map((date) => [date, 0n]));
          for await (const rows of spend.rows('day', days)) {
            for (const { startMs, sums } of rows) {
              const date = dateOf(startMs, asked);
              found.set(date, (found.get(date) ?? 0n) + sums.costNano);
            }
          }
          assert.deepEqual(found, dated, `${note} in ${asked}`);
          let total = 0n;
          for await (const rows of spend.rows('hour', hours)) {
            for (const { sums } of rows) total += sums.costNano;
          }
          assert.equal(
            total,
            [...dated.values()].reduce((sum, one) => sum + one),
            note,
          );
        }
      });
    }
  });
}
