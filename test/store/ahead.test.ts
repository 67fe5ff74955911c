import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Entry } from '../../src/model/entry.js';
import { type Ahead, readAhead, SummedUpMeanwhile, spendWith } from '../../src/store/ahead.js';
import { newFolder } from '../../src/store/commit.js';
import { foldBatch, foldPending } from '../../src/store/fold.js';
import { sumOptions } from '../../src/store/fold-options.js';
import type { Spend, SpendRow } from '../../src/store/spend.js';
import { readSpend } from '../../src/store/spend-reader.js';
import { formatSums } from '../../src/store/sums.js';
import { appendEntries, entriesOf, plainSpend, storedSpend, UTC } from '../support/ledger.js';
import { NO_REDIS } from '../support/redis.js';
import { seeded } from '../support/seed.js';
import { type SimulatedRedis, startSimulated } from '../support/simulated.js';

const DAY_MS = 86_400_000;
const NOW_MS = Date.now();
const SUMS = sumOptions({ zones: [], labels: UTC.labels }, UTC);

describe('spend with what nobody has summed up yet', { skip: NO_REDIS }, () => {
  let redis: SimulatedRedis;
  before(async () => {
    redis = await startSimulated('redis');
    await redis.setClock(NOW_MS * 1000);
  });
  after(() => redis.close());

  async function spendAhead(domain: string): Promise<{ ahead: Ahead; spend: Spend }> {
    const ahead = await readAhead(redis.connection, domain);
    assert.ok(ahead, 'nobody sums up meanwhile');
    const spend = readSpend(redis.connection, domain);
    return { ahead, spend: spendWith(ahead, SUMS, spend, redis.connection, domain) };
  }

  test('is what a plain sum has, wherever the fold has stopped', async () => {
    for (const part of [0, 1, 250, 399, 400]) {
      const random = seeded();
      const note = `SEED=${random.seed}, ${part} of 400`;
      const domain = `ahead-${part}`;
      const entries = entriesOf(random, 400, NOW_MS - 3 * DAY_MS);
      await appendEntries(redis.connection, domain, entries);
      if (part > 0) await foldBatch(redis.connection, domain, newFolder(), UTC, part);
      const { ahead, spend } = await spendAhead(domain);
      assert.equal(ahead.entries.length, 400 - part, note);
      const rows = await storedSpend(redis.connection, domain, entries, UTC, spend);
      assert.deepEqual(rows, plainSpend(entries, UTC), note);
      const events = await spend.events(0, Number.MAX_SAFE_INTEGER);
      const known = await spend.known();
      const agents = await spend.agents();
      await foldPending(redis.connection, domain, UTC, 60_000);
      const folded = readSpend(redis.connection, domain);
      assert.deepEqual(events, await folded.events(0, Number.MAX_SAFE_INTEGER), note);
      assert.deepEqual(agents, await folded.agents(), note);
      assert.equal(known?.sinceMs, (await folded.known())?.sinceMs, note);
    }
  });

  test('has one object for the same attributes, so that a Map may be keyed by it', async () => {
    const domain = 'same';
    const entries = entriesOf(seeded(1), 300, NOW_MS - DAY_MS);
    await appendEntries(redis.connection, domain, entries);
    await foldBatch(redis.connection, domain, newFolder(), UTC, 150);
    const { spend } = await spendAhead(domain);
    const days = daysOf(entries);
    const both = [...(await rowsOf(spend, days)), ...(await rowsOf(spend, days))];
    const objects = new Set(both.map(({ attributes }) => attributes));
    const texts = new Set(both.map(({ attributes }) => JSON.stringify(attributes)));
    assert.equal(objects.size, texts.size);
  });

  test('counts nothing twice: who sums up in the middle of it is noticed', async () => {
    const domain = 'meanwhile';
    const entries = entriesOf(seeded(1), 300, NOW_MS - DAY_MS);
    await appendEntries(redis.connection, domain, entries);
    const { spend } = await spendAhead(domain);
    await foldBatch(redis.connection, domain, newFolder(), UTC, 10);
    await assert.rejects(rowsOf(spend, daysOf(entries)), SummedUpMeanwhile);
  });

  const daysOf = (entries: readonly Entry[]) => [
    ...new Set(entries.map(({ atMs }) => UTC.days.startOf('day', atMs, 'UTC'))),
  ];

  async function rowsOf(spend: Spend, days: readonly number[]): Promise<SpendRow[]> {
    const rows: SpendRow[] = [];
    for await (const batch of spend.rows('day', days)) rows.push(...batch);
    assert.ok(rows.every(({ sums }) => formatSums(sums) !== ''));
    return rows;
  }
});
