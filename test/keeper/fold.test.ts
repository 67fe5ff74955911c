import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Entry } from '../../src/model/entry.js';
import { formatLine } from '../../src/model/ledger-line.js';
import { LEDGER_DAYS } from '../../src/policy/ledger.js';
import { sumUp } from '../../src/store/batch.js';
import { commitBatch, newFolder } from '../../src/store/commit.js';
import { formatFacts } from '../../src/store/facts.js';
import { foldBatch, foldPending } from '../../src/store/fold.js';
import { type FoldOptions, sumOptions } from '../../src/store/fold-options.js';
import { readFoldState } from '../../src/store/fold-state.js';
import {
  asideKey,
  attributesKey,
  eventsKey,
  foldKey,
  ledgerKey,
  numbersKey,
  openKeys,
  seenKey,
  thresholdsKey,
} from '../../src/store/keys.js';
import { readLedger } from '../../src/store/ledger-reader.js';
import { placeGroups } from '../../src/store/place.js';
import type { SpendRow } from '../../src/store/spend.js';
import { readSpend } from '../../src/store/spend-reader.js';
import { formatSums } from '../../src/store/sums.js';
import { NOTHING_UNUSED } from '../../src/store/unused.js';
import {
  appendEntries,
  entriesOf,
  factsFor,
  plainSpend,
  plainTotal,
  startOf,
  storedSpend,
  totalOf,
  UTC,
} from '../support/ledger.js';
import { seeded } from '../support/seed.js';
import { settledAt } from '../support/settled.js';
import { ENGINES, type SimulatedRedis, startSimulated } from '../support/simulated.js';

/** How entries are summed up by days of UTC. */
const SUMS = sumOptions({ zones: [], labels: UTC.labels }, UTC);

const DAY_MS = 86_400_000;
const FOREVER_MS = 60_000;
/** Recent, since rows of old hours are dropped at once. */
const NOW_MS = Date.now();

/** The facts of a call, of which somebody has written two by hand. */
const factLine = ({ depth = '', timestamp = '' }) =>
  ['call', 'agent', ...Array(10).fill(''), depth, '', timestamp].join('\t');

const inTimezone = (timezone: string, keeps = true): FoldOptions => ({
  ...{ labels: ['customer'], timezone, keeps, days: LEDGER_DAYS },
});

for (const { engine, skip } of ENGINES) {
  describe(`the fold on ${engine}`, { skip }, () => {
    let redis: SimulatedRedis;
    before(async () => {
      redis = await startSimulated(engine);
      // Events are kept by this clock.
      await redis.setClock(NOW_MS * 1000);
    });
    after(() => redis.close());

    test('sums up what a plain sum does, whatever the batches, in any timezone', async () => {
      for (let run = 0; run < 6; run += 1) {
        const random = seeded();
        const note = `SEED=${random.seed}`;
        const domain = `sum-${run}-${random.seed}`;
        const options = inTimezone(random.pick(['UTC', 'Asia/Kolkata', 'America/New_York']));
        const entries = entriesOf(random, 400, NOW_MS - 3 * DAY_MS);
        await appendEntries(redis.connection, domain, entries);
        const folder = newFolder();
        for (let more = true; more; ) {
          const count = 1 + random.below(90);
          const step = await foldBatch(redis.connection, domain, folder, options, count);
          more = step.step === 'beaten' || step.more;
        }
        const stored = await storedSpend(redis.connection, domain, entries, options);
        assert.deepEqual(stored, plainSpend(entries, options), note);
        const state = await readFoldState(redis.connection, domain);
        assert.equal(state.folded, entries.length, note);
        assert.deepEqual([state.lost, state.aside], [0, 0], note);
      }
    });

    test('two that read the same batch: one is stored, the other thrown away', async () => {
      const domain = 'race';
      const entries = entriesOf(seeded(1), 300, NOW_MS - DAY_MS);
      await appendEntries(redis.connection, domain, entries);
      const [one, two] = [newFolder(), newFolder()];
      let beaten = 0;
      for (let waiting = true; waiting; ) {
        const steps = await Promise.all(
          [one, two, one].map((folder) => foldBatch(redis.connection, domain, folder, UTC, 40)),
        );
        beaten += steps.filter(({ step }) => step === 'beaten').length;
        waiting = (await readFoldState(redis.connection, domain)).folded < entries.length;
      }
      assert.ok(beaten > 0);
      const stored = await storedSpend(redis.connection, domain, entries, UTC);
      assert.deepEqual(stored, plainSpend(entries, UTC));
    });

    test('the holds that are open are those of admissions that nothing has ended', async () => {
      const random = seeded();
      const domain = `open-${random.seed}`;
      const entries = entriesOf(random, 500, NOW_MS - DAY_MS);
      await appendEntries(redis.connection, domain, entries);
      await foldPending(redis.connection, domain, UTC, FOREVER_MS);
      const open = new Map<string, number>();
      for (const entry of entries) {
        if (!('facts' in entry) || entry.kind === 'denied') continue;
        const key = `tg:{${domain}}:call:${entry.facts.agent}:${entry.facts.callId}`;
        if (entry.kind === 'authorized') open.set(key, Math.floor(entry.holdUntilUs / 1000));
        else open.delete(key);
      }
      const { ends, calls } = openKeys(domain);
      const keys = (await redis.connection.command('ZRANGE', ends, 0, -1)) as string[];
      const fields = (await redis.connection.command('HKEYS', calls)) as string[];
      assert.deepEqual(new Set(keys), new Set(open.keys()), `SEED=${random.seed}`);
      assert.deepEqual(new Set(fields), new Set(open.keys()), `SEED=${random.seed}`);
      for (const [key, endMs] of open) {
        assert.equal(Number(await redis.connection.command('ZSCORE', ends, key)), endMs);
      }
    });

    test('an entry that makes no sense is set aside and counted, and the rest goes on', async () => {
      const domain = 'aside';
      const { connection } = redis;
      const entries = entriesOf(seeded(3), 40, NOW_MS - DAY_MS);
      await appendEntries(connection, domain, entries.slice(0, 20));
      const at = entries[19]?.atMs ?? 0;
      const held = '0 1 0 4 100 1 1 0 200 1 1 0';
      const bad: Record<string, string>[] = [
        { k: 'z' },
        { k: 's', f: 'call', n: 'one two' },
        { k: 's', f: 'call\tagent', n: `1 0 0 0 0 ${held.slice(6)}` },
        { k: 's', f: 'call\tagent', n: '1 0 0 0 0 0 0 0 1 1.5 0 0 1' },
        { k: 'o', f: 'call\tagent', n: '0 -5 0 0 1' },
        { k: 'd', w: 'r\tp', f: 'call\tagent', n: '1e300 1 1 0 0 0 1' },
        { k: 'g', j: 'no JSON' },
        { nothing: 'of this' },
        // JSON that would pass itself off as a settlement, or lacks what its kind has.
        { k: 'n', j: '{"kind":"settled"}' },
        { k: 'n', j: 'null' },
        { k: 'g', j: '{}' },
        { k: 'h', g: 'halt:a', n: '1 0', j: '{"why":7}' },
        { k: 'r', f: factLine({ depth: 'deep' }), n: '1 5 0 0 1' },
        { k: 'o', f: factLine({ timestamp: 'abc' }), n: '0 5 0 0 1' },
        { k: 'o', f: factLine({ timestamp: '1e300' }), n: '0 5 0 0 1' },
      ];
      for (const [i, fields] of bad.entries()) {
        const id = `${at}-${1_000 + i}`;
        await connection.command('XADD', ledgerKey(domain), id, ...Object.entries(fields).flat());
      }
      await appendEntries(
        connection,
        domain,
        entries.slice(20).filter(({ atMs }) => atMs > at),
      );
      const good = entries.filter(({ atMs }, i) => i < 20 || atMs > at);
      const folded = await foldPending(connection, domain, UTC, FOREVER_MS);
      assert.equal(folded.aside, bad.length);
      const known = await readSpend(connection, domain).known();
      assert.equal(known?.aside.entries, bad.length, 'answers know of them');
      assert.equal(known.aside.lastMs, good.at(-1)?.atMs);
      assert.deepEqual(await storedSpend(connection, domain, good, UTC), plainSpend(good, UTC));
      assert.equal(await connection.command('LLEN', asideKey(domain)), bad.length);
      // Whoever reads the ledger otherwise leaves out the same.
      const read: Entry[] = [];
      for await (const some of readLedger(connection, domain)) read.push(...some);
      assert.deepEqual(read, good);
      for (const entry of read) formatLine(entry);
    });

    test('a hold that ran out is taken back under the model that was authorized', async () => {
      const domain = 'alias';
      const { connection } = redis;
      const at = NOW_MS - DAY_MS;
      const numbers = { o: '0 5 1 2 0', s: '1 1 0 1 1 5 1 2 0 2 3 4 0' };
      for (const [seq, k] of (['o', 's'] as const).entries()) {
        const fields = [
          'k',
          k,
          'f',
          formatFacts(factsFor('c', { model: 'alias' })),
          'n',
          numbers[k],
        ];
        const answered = k === 's' ? ['m', 'gpt-4o\topenai'] : [];
        await connection.command('XADD', ledgerKey(domain), `${at}-${seq}`, ...fields, ...answered);
      }
      await foldPending(connection, domain, UTC, FOREVER_MS);
      const sums = new Map<string, string>();
      const spend = readSpend(connection, domain);
      for await (const rows of spend.rows('day', [startOf(UTC, 'day', at)])) {
        for (const row of rows) sums.set(row.attributes.model, formatSums(row.sums));
      }
      assert.deepEqual(
        sums,
        new Map([
          ['alias', ''],
          ['gpt-4o', '1 2 3 4'],
        ]),
      );
    });

    test('past the bound of different attributes the sums stay exact', async () => {
      const domain = 'bound';
      const { connection } = redis;
      const bounds = [
        { inHour: 30, altogether: 60, past: 'who' },
        { inHour: 40, altogether: 80, past: 'nothing' },
        { inHour: Infinity, altogether: Infinity, past: 'nothing' },
      ] as const;
      const entries: Entry[] = Array.from({ length: 300 }, (_, i) => {
        const atMs = NOW_MS - DAY_MS + i * 60_000;
        const facts = factsFor(`c${i}`, { agent: `a${i % 25}`, tool: `t${i}` });
        const held = {
          costNano: i * 7 + 1,
          costSource: 'none',
          tokensIn: i,
          tokensOut: 1,
        } as const;
        return { id: `${atMs}-0`, atMs, kind: 'ran_out', facts, held, ranOut: false, final: false };
      });
      const crowded: boolean[] = [];
      for (let at = 0; at < entries.length; at += 70) {
        const state = await readFoldState(connection, domain);
        const batch = sumUp(domain, entries.slice(at, at + 70), SUMS);
        const placed = await placeGroups(connection, domain, batch.groups, state, bounds);
        const changes = placed.counts;
        const all = { changes, batch, placed, unused: NOTHING_UNUSED, aside: [] };
        assert.ok(await commitBatch(connection, domain, 'me', state, all));
        crowded.push(placed.crowded);
      }
      assert.deepEqual(crowded, [true, true, true, true, true]);
      for (const grain of ['hour', 'day'] as const) {
        const total = await totalOf(connection, domain, grain, entries, UTC);
        assert.equal(total, plainTotal(entries));
      }
      const state = await readFoldState(connection, domain);
      assert.ok(state.next <= 81, `${state.next}`);
      const rows = await storedSpend(connection, domain, entries, UTC);
      const perHour = new Map<string, number>();
      for (const name of rows.keys()) {
        const hour = /^hour \d+/.exec(name)?.[0];
        if (hour) perHour.set(hour, (perHour.get(hour) ?? 0) + 1);
      }
      assert.ok(Math.max(...perHour.values()) <= 41);
      assert.ok([...rows.keys()].some((name) => name.includes('{"agent":"a1","tool":"other"}')));
      assert.ok([...rows.keys()].some((name) => name.includes('"agent":"other"')));
    });

    test('attributes whose last row has ended make room for others', async () => {
      const domain = 'unused';
      const { connection } = redis;
      const spent = (tool: number, at: number): Entry => {
        const entry = settledAt(NOW_MS - DAY_MS + at, 'a', 5);
        return { ...entry, facts: { ...entry.facts, tool: `t${tool}` } };
      };
      const fold = async (...entries: Entry[]) => {
        await appendEntries(connection, domain, entries);
        await foldPending(connection, domain, UTC, FOREVER_MS);
      };
      await fold(spent(0, 0), spent(1, 1), spent(2, 2));
      // So many that it is looked for; what had the number 1 was not seen for long, nor what has 0.
      await connection.command('HSET', foldKey(domain), 'next', 60_000);
      const longAgo = NOW_MS - 432 * DAY_MS;
      await connection.command('ZADD', seenKey(domain), longAgo, '0', longAgo, '1');
      await fold(spent(0, 24 * 3_600_000 - 1), spent(3, 24 * 3_600_000));
      const size = (key: string) => connection.command('HLEN', key);
      assert.deepEqual([await size(attributesKey(domain)), await size(numbersKey(domain))], [3, 3]);
      assert.equal((await readFoldState(connection, domain)).freed, 1);
      await fold(spent(1, 24 * 3_600_000 + 1));
      const tools = new Map<string, number>();
      const days = [startOf(UTC, 'day', NOW_MS - DAY_MS), startOf(UTC, 'day', NOW_MS)];
      for await (const rows of readSpend(connection, domain).rows('day', days)) {
        for (const { attributes, sums } of rows) {
          tools.set(attributes.tool, (tools.get(attributes.tool) ?? 0) + sums.calls);
        }
      }
      assert.deepEqual(Object.fromEntries(tools), { t0: 2, t1: 1, t2: 1, t3: 1 });
    });

    test('events are remembered in their order, and read back as they were', async () => {
      const domain = 'events';
      const at = NOW_MS - DAY_MS;
      const event = (seq: number) => ({ id: `${at}-${seq}`, atMs: at });
      const events: Entry[] = [
        { ...event(2), kind: 'resumed', agent: 'a', by: 'ann' },
        { ...event(10), kind: 'policy', hash: 'abc', from: 'p.yaml', by: 'pod' },
        {
          ...event(11),
          kind: 'annotation',
          agent: '',
          text: 'promotion',
          by: 'ann',
          fromMs: at,
          toMs: at + 1,
        },
      ];
      await appendEntries(redis.connection, domain, events);
      await foldPending(redis.connection, domain, UTC, FOREVER_MS);
      const spend = readSpend(redis.connection, domain);
      assert.deepEqual(await spend.events(at, at + 1), events);
      assert.deepEqual(await spend.events(at + 1, at + DAY_MS), []);
      const first = NOW_MS - 500 * DAY_MS;
      await redis.connection.command('HSET', foldKey(domain), 'importedSinceMs', first);
      const kept = await spend.known();
      assert.equal(kept?.forgotten, true, 'its rows have ended');
      const ended = NOW_MS - 431 * DAY_MS;
      assert.ok(kept.sinceMs > ended && kept.sinceMs <= ended + 2 * DAY_MS);
      await redis.connection.command('HDEL', foldKey(domain), 'importedSinceMs');
      const known = await spend.known();
      assert.equal(known?.sinceMs, at);
      assert.ok(
        known && known.untilMs >= NOW_MS - 1_000,
        'nothing waits, so all is known until now',
      );
    });

    test('thresholds are kept by themselves, so that they push out nothing that people have done', async () => {
      const domain = 'thresholds';
      const at = NOW_MS - DAY_MS;
      const policy = { kind: 'policy', hash: 'abc', from: 'p.yaml', by: 'pod' } as const;
      const raised = {
        kind: 'threshold',
        rule: 'r',
        metric: 'calls',
        limit: 3,
        amount: 2,
      } as const;
      const events: Entry[] = Array.from({ length: 20 }, (_, i) => ({
        ...{ id: `${at + 1}-${i}`, atMs: at + 1 },
        ...(i === 10 ? policy : { ...raised, partition: `run=${i}`, agent: 'a' }),
      }));
      await appendEntries(redis.connection, domain, events);
      await foldPending(redis.connection, domain, UTC, FOREVER_MS);
      const kept = (key: string) => redis.connection.command('ZCARD', key);
      assert.deepEqual(
        await Promise.all([eventsKey, thresholdsKey].map((of) => kept(of(domain)))),
        [1, 19],
      );
      assert.deepEqual(await readSpend(redis.connection, domain).events(at, NOW_MS), events);
    });

    test('rows of some agents are read by their numbers', async () => {
      const domain = 'only';
      const entries = entriesOf(seeded(5), 300, NOW_MS - DAY_MS);
      await appendEntries(redis.connection, domain, entries);
      await foldPending(redis.connection, domain, UTC, FOREVER_MS);
      const spend = readSpend(redis.connection, domain);
      const days = [...new Set(entries.map(({ atMs }) => startOf(UTC, 'day', atMs)))];
      const all: SpendRow[] = [];
      for await (const rows of spend.rows('day', days)) all.push(...rows);
      const some: SpendRow[] = [];
      for await (const rows of spend.rows('day', days, ({ agent }) => agent === 'agent-1')) {
        some.push(...rows);
      }
      const expected = all.filter(({ attributes }) => attributes.agent === 'agent-1');
      const named = (rows: SpendRow[]) =>
        new Map(rows.map((row) => [`${row.startMs} ${JSON.stringify(row.attributes)}`, row.sums]));
      assert.ok(some.length > 0);
      assert.deepEqual(named(some), named(expected));
      // The same object for the same attributes.
      assert.ok(some.every(({ attributes }) => all.some((row) => row.attributes === attributes)));
    });
  });
}
