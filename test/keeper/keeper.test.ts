import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pino } from 'pino';
import { domainsOf } from '../../src/keeper/domains.js';
import { type Keeper, startKeeper } from '../../src/keeper/keeper.js';
import { pour } from '../../src/keeper/pour.js';
import { openSink } from '../../src/keeper/sink.js';
import { Turns } from '../../src/keeper/turn.js';
import type { Entry } from '../../src/model/entry.js';
import { parsePolicy } from '../../src/policy/parse.js';
import type { Policy } from '../../src/policy/policy.js';
import type { Connection } from '../../src/redis/connection.js';
import { newFolder } from '../../src/store/commit.js';
import { BATCH, foldBatch, foldPending } from '../../src/store/fold.js';
import { type FoldState, readFoldState } from '../../src/store/fold-state.js';
import { DOMAINS_KEY, foldKey, ledgerKey } from '../../src/store/keys.js';
import { createLosses } from '../../src/store/losses.js';
import { readSpend } from '../../src/store/spend-reader.js';
import { trimLedger } from '../../src/store/trim.js';
import { createMetrics, type Metrics } from '../../src/telemetry/metrics.js';
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
import { NO_REDIS, type RedisProcess, startRedis } from '../support/redis.js';
import { tollgate } from '../support/run.js';
import { scratchFolder } from '../support/scratch.js';
import { seeded } from '../support/seed.js';
import { readMetric, spawnSidecar } from '../support/sidecar.js';
import { ENGINES, startSimulated } from '../support/simulated.js';
import { openStore } from '../support/store.js';
import { until } from '../support/until.js';

const DAY_MS = 86_400_000;

function policyOf(domain: string): Policy {
  const text = `domain: ${domain}\nledger: {keepFor: 1h, labels: [customer]}\nrules: []\n`;
  const policy = parsePolicy(text);
  if ('errors' in policy) throw new Error(JSON.stringify(policy.errors));
  return policy;
}

for (const { engine, skip } of ENGINES) {
  test(`entries that went before they were folded are counted, each once, on ${engine}`, {
    skip,
  }, async () => {
    const redis = await startSimulated(engine);
    const { connection } = redis;
    await redis.setClock(Date.now() * 1000);
    const random = seeded();
    const entries = entriesOf(random, 1_500, Date.now() - 3 * DAY_MS);
    const domain = 'lost';
    let written = 0;
    let length = 0;
    let unfolded = 0;
    let lost = 0;
    while (written < entries.length) {
      const more = 1 + random.below(60);
      const some = entries.slice(written, written + more);
      await appendEntries(connection, domain, some);
      written += some.length;
      length += some.length;
      unfolded += some.length;
      if (random.onceIn(3)) {
        // As a gate would, whose ledger is full.
        const most = random.below(80);
        const before = length;
        await connection.command('XTRIM', ledgerKey(domain), 'MAXLEN', most);
        length = Math.min(length, most);
        lost += Math.max(0, unfolded - length);
        unfolded = Math.min(unfolded, length);
        assert.ok(before >= length);
      }
      if (random.onceIn(4)) {
        await foldPending(connection, domain, UTC, 60_000);
        unfolded = 0;
      }
      if (random.onceIn(5)) {
        const state = await readFoldState(connection, domain);
        length -= await trimLedger(connection, domain, state, Date.now(), 0, false);
      }
    }
    await foldPending(connection, domain, UTC, 60_000);
    const state = await readFoldState(connection, domain);
    assert.ok(lost > 0);
    assert.equal(state.lost, lost, `SEED=${random.seed}`);
    assert.equal(state.folded, entries.length - lost, `SEED=${random.seed}`);
    const known = await readSpend(connection, domain).known();
    assert.equal(known?.lost.entries, lost, 'answers know of them');
    assert.ok((known.lost.lastMs ?? 0) > (entries[0]?.atMs ?? 0));
    await redis.close();
  });
}

describe('a keeper', { skip: NO_REDIS }, () => {
  const folder = scratchFolder();
  let redis: RedisProcess;
  let connection: Connection;
  const keepers: Keeper[] = [];
  before(async () => {
    redis = await startRedis();
    ({ connection } = await openStore(redis.url));
  });
  after(async () => {
    await Promise.all(keepers.map((keeper) => keeper.close()));
    connection.close();
    await redis.stop();
  });

  async function keep(
    domain: string,
    file?: string,
  ): Promise<{ keeper: Keeper; metrics: Metrics; lines: string[] }> {
    const metrics = createMetrics();
    const lines: string[] = [];
    const log = pino({ base: null }, { write: (line) => lines.push(line) });
    const { connection: own } = await openStore(redis.url);
    const keeper = startKeeper({
      connection: own,
      policy: () => policyOf(domain),
      sink: file === undefined ? undefined : openSink(file),
      batch: BATCH,
      losses: createLosses(metrics, log),
      ...{ metrics, log },
    });
    keepers.push(keeper);
    return { keeper, metrics, lines };
  }

  /** Of calls that hold nothing any more: else the keeper would run them out, and add to them. */
  function endedCalls(seed: number, count: number): Entry[] {
    const entries = entriesOf(seeded(seed), 2 * count, Date.now() - 2 * DAY_MS);
    return entries.filter(({ kind }) => kind !== 'authorized').slice(0, count);
  }

  const allFolded = (domain: string, entries: readonly Entry[]) =>
    until('all to be folded', async () => {
      const { position } = await readFoldState(connection, domain);
      return position === entries.at(-1)?.id;
    });

  const value = async (metrics: Metrics, name: string) =>
    readMetric(await metrics.registry.metrics(), name);

  test('sums up what comes, in the domains that gates have named; trims what is folded and old', async () => {
    const entries = endedCalls(11, 2_000);
    await redis.client.sadd(DOMAINS_KEY, 'named');
    await appendEntries(connection, 'named', entries.slice(0, 1_200));
    const { keeper, metrics } = await keep('other-domain');
    await appendEntries(connection, 'named', entries.slice(1_200));
    await allFolded('named', entries);
    assert.deepEqual(
      await storedSpend(connection, 'named', entries, UTC),
      plainSpend(entries, UTC),
    );
    await until(
      'it to have trimmed',
      async () => (await redis.client.xlen(ledgerKey('named'))) < 200,
    );
    await until('its gauges', async () => (await value(metrics, 'tollgate_ledger_attributes')) > 0);
    assert.equal(await value(metrics, 'tollgate_ledger_entries_total'), entries.length);
    assert.equal(await value(metrics, 'tollgate_ledger_lag_seconds'), 0);
    assert.equal(await value(metrics, 'tollgate_ledger_lost_entries_total'), 0);
    await keeper.close();
    await redis.client.srem(DOMAINS_KEY, 'named');
  });

  test('a domain that cannot be looked after shows as lag, and stops no other', async () => {
    const names = ['a-broken', 'b-well', 'z-well'];
    for (const name of names) await redis.client.sadd(DOMAINS_KEY, name);
    // Somebody's hand has made something else of the ledger.
    await redis.client.set(ledgerKey('a-broken'), 'no stream');
    const entries = endedCalls(15, 50);
    await appendEntries(connection, 'b-well', entries);
    await appendEntries(connection, 'z-well', entries);
    const { keeper, metrics } = await keep('m-well');
    for (const name of names.slice(1)) await allFolded(name, entries);
    await until('its lag', async () => (await value(metrics, 'tollgate_ledger_lag_seconds')) > 1);
    await redis.client.del(ledgerKey('a-broken'));
    await until('the lag to end', async () => {
      return (await value(metrics, 'tollgate_ledger_lag_seconds')) === 0;
    });
    await keeper.close();
    await redis.client.srem(DOMAINS_KEY, ...names);
  });

  test('two at once: every entry counts once, whoever folds it', async () => {
    const entries = endedCalls(12, 3_000);
    const one = await keep('shared');
    const two = await keep('shared');
    for (let at = 0; at < entries.length; at += 300) {
      await appendEntries(connection, 'shared', entries.slice(at, at + 300));
    }
    await allFolded('shared', entries);
    assert.deepEqual(
      await storedSpend(connection, 'shared', entries, UTC),
      plainSpend(entries, UTC),
    );
    const counts = await Promise.all(
      [one, two].map(({ metrics }) => value(metrics, 'tollgate_ledger_entries_total')),
    );
    assert.equal((counts[0] ?? 0) + (counts[1] ?? 0), entries.length);
    await Promise.all([one.keeper.close(), two.keeper.close()]);
  });

  test('a sink that cannot be written keeps the ledger untrimmed, not the sums stale; then it catches up', async () => {
    const entries = endedCalls(13, 1_500);
    const file = join(folder, 'gone', 'ledger.ndjson');
    await appendEntries(connection, 'sunk', entries.slice(0, 1_000));
    const first = await keep('sunk', file);
    await allFolded('sunk', entries.slice(0, 1_000));
    await until(
      'it to have failed',
      async () => (await value(first.metrics, 'tollgate_ledger_sink_failures_total')) > 0,
    );
    assert.equal(await redis.client.xlen(ledgerKey('sunk')), 1_000);
    await until(
      'its lag',
      async () => (await value(first.metrics, 'tollgate_ledger_sink_lag_seconds')) > 3_600,
    );
    mkdirSync(join(folder, 'gone'));
    // A crash has left half a line.
    writeFileSync(file, '{"id":"1-0","ki');
    await until('it to have caught up', () => existsSync(file) && idsOf(file).size === 1_000);
    await first.keeper.close();
    // A command folds meanwhile, which has no sink: nothing is missed.
    await appendEntries(connection, 'sunk', entries.slice(1_000));
    await foldPending(connection, 'sunk', UTC, 60_000);
    const second = await keep('sunk', file);
    await until('all to be in the sink', () => idsOf(file).size === entries.length);
    assert.deepEqual([...idsOf(file)].sort(), entries.map(({ id }) => id).sort());
    await second.keeper.close();
    rmSync(file);
  });

  test('a sink that is no file takes what it is given', async () => {
    await openSink('/dev/null').write(['{}']);
  });

  test('a timezone that came after too many others is said not to hold, once', async () => {
    const days = Array.from({ length: 16 }, (_, day) => ({
      timezone: day % 2 === 0 ? 'Asia/Tokyo' : 'Asia/Kolkata',
      fromMs: Date.now() - (20 - day) * DAY_MS,
    }));
    await redis.client.hset(foldKey('moves'), 'zones', JSON.stringify(days), 'commit', 'x');
    const { keeper, lines } = await keep('moves');
    const said = () => lines.filter((line) => line.includes('changed its timezone'));
    await until('it to be said', () => said().length > 0);
    await appendEntries(connection, 'moves', endedCalls(16, 20));
    await until('two rounds more', async () => {
      const { position } = await readFoldState(connection, 'moves');
      return position !== '0-0';
    });
    assert.match(said().join(), /"domains":\["moves"\]/);
    assert.equal(said().length, 1);
    await keeper.close();
  });

  test('entries that went before they were in the sink are said, and the rest is written', async () => {
    const entries = endedCalls(14, 300);
    const file = join(folder, 'gap.ndjson');
    const sink = openSink(file);
    await appendEntries(connection, 'gap', entries.slice(0, 100));
    const first = await pour(connection, 'gap', { sunk: '0-0' }, sink);
    assert.deepEqual([first.gap, first.sunk], [false, entries[99]?.id]);
    await appendEntries(connection, 'gap', entries.slice(100));
    const again = await pour(connection, 'gap', first, sink);
    assert.deepEqual([again.gap, again.waitingSinceMs], [false, undefined]);
    await redis.client.xtrim(ledgerKey('gap'), 'MAXLEN', 50);
    // A keeper that slept since it had written the first.
    assert.equal((await pour(connection, 'gap', first, sink)).gap, true);
    assert.equal(idsOf(file).size, entries.length);
  });

  test('a clock that was put back behind the ledger is told', async () => {
    const [entry] = endedCalls(15, 1);
    assert.ok(entry);
    const atMs = Date.now() + 2 * DAY_MS;
    await appendEntries(connection, 'ahead', [{ ...entry, id: `${atMs}-0`, atMs }]);
    const { keeper, metrics } = await keep('ahead');
    await until(
      'its gauge',
      async () => (await value(metrics, 'tollgate_ledger_ahead_seconds')) > 86_400,
    );
    const known = await readSpend(connection, 'ahead').known();
    assert.ok(known && known.aheadMs > DAY_MS, 'and answers know of it');
    await keeper.close();
  });

  test('a Redis that is out of memory makes no sink write an entry twice', async () => {
    const entries = endedCalls(17, 50);
    const file = join(folder, 'full.ndjson');
    const sink = openSink(file);
    await appendEntries(connection, 'full', entries);
    await redis.client.config('SET', 'maxmemory', '1');
    try {
      const state = () => readFoldState(connection, 'full');
      await pour(connection, 'full', await state(), sink);
      await pour(connection, 'full', await state(), sink);
    } finally {
      await redis.client.config('SET', 'maxmemory', '0');
    }
    assert.equal(readFileSync(file, 'utf8').split('\n').length - 1, entries.length);
  });

  test('a keeper that does not fold waits until nobody has for some seconds', () => {
    const turns = new Turns('me');
    const stateOf = (keeper: string) => ({ keeper }) as FoldState;
    assert.ok(turns.isOurs('d', stateOf(''), 0), 'nobody has ever folded');
    assert.ok(turns.isOurs('d', stateOf('me 1'), 0), 'it was the last to fold');
    assert.ok(!turns.isOurs('d', stateOf('you 1'), 1_000));
    assert.ok(!turns.isOurs('d', stateOf('you 2'), 5_000), 'the other folds');
    assert.ok(!turns.isOurs('d', stateOf('you 2'), 7_900));
    assert.ok(turns.isOurs('d', stateOf('you 2'), 11_001), 'the other is gone');
  });

  test('commands that fold all the time take no turn from the keeper', async () => {
    const entries = endedCalls(16, 3);
    const folder = newFolder();
    const turns = new Turns(folder);
    for (const [i, entry] of entries.entries()) {
      await appendEntries(connection, 'watched', [entry]);
      if (i === 0) await foldBatch(connection, 'watched', folder, { ...UTC, keeps: true });
      else await foldPending(connection, 'watched', UTC, 60_000);
      const state = await readFoldState(connection, 'watched');
      assert.equal(state.folded, i + 1);
      assert.ok(turns.isOurs('watched', state, i), 'it was the last keeper');
    }
  });

  test('however many domains there are, none is left out', async () => {
    const names = Array.from({ length: 12_000 }, (_, i) => `team-${i}`);
    const listing = { command: async () => names } as unknown as Connection;
    const domains = await domainsOf(listing, policyOf('mine'));
    assert.deepEqual(domains, [...names, 'mine']);
    const turns = new Turns('me');
    const state = { keeper: 'you 1' } as FoldState;
    assert.ok(!domains.some((domain) => turns.isOurs(domain, state, 0)));
    assert.ok(
      domains.every((domain) => turns.isOurs(domain, state, 10_000)),
      'the other is gone',
    );
  });

  test('tollgate serve --role keeper: no API, probes and metrics; holds run out', async () => {
    const atMs = Date.now() - 2 * DAY_MS;
    const facts = factsFor('never-settled', { agent: 'a', team: 't' });
    const held = { costNano: 7, costSource: 'table', tokensIn: 1, tokensOut: 2 } as const;
    const ids = { id: `${atMs}-0`, atMs };
    const admitted: Entry = {
      ...ids,
      kind: 'authorized',
      facts,
      held,
      holdUntilUs: atMs * 1000,
      forced: false,
    };
    await appendEntries(connection, 'default', [admitted]);
    const sidecar = await spawnSidecar({ REDIS_URL: redis.url }, ['--role', 'keeper']);
    const ready = sidecar.log.find(({ msg }) => String(msg).startsWith('tollgate is ready'));
    assert.equal(ready?.['role'], 'keeper');
    assert.equal(ready?.['listen'], undefined);
    assert.equal((await sidecar.ops('/readyz')).status, 200);
    await until('the hold to have run out', async () => {
      return (await sidecar.metric('tollgate_ledger_run_out_total')) === 1;
    });
    const now: Entry = { ...admitted, atMs: Date.now() };
    const postedNow: Entry = { ...now, kind: 'ran_out', ranOut: false, final: false } as Entry;
    await until('it to count', async () => {
      const total = await totalOf(connection, 'default', 'hour', [postedNow], UTC);
      return total === plainTotal([postedNow]);
    });
    assert.equal(await sidecar.stop(), 0);
  });
});

test('tollgate serve is both roles, also on the embedded engine; keeper alone needs a Redis', async () => {
  const sidecar = await spawnSidecar({});
  const ready = sidecar.log.find(({ msg }) => String(msg).startsWith('tollgate is ready'));
  assert.equal(ready?.['role'], 'gate and keeper');
  await until('the keeper to have looked', async () => {
    const text = await (await sidecar.ops('/metrics')).text();
    return text.includes('tollgate_ledger_lag_seconds 0');
  });
  assert.equal(sidecar.log.filter(({ level }) => Number(level) >= 50).length, 0);
  assert.equal(await sidecar.stop(), 0);
  const alone = await tollgate(['serve', '--role', 'keeper']);
  assert.equal(alone.code, 1);
  assert.match(
    alone.out + alone.err,
    /a keeper needs the Redis that its gates share: set REDIS_URL/,
  );
  assert.equal((await tollgate(['serve', '--role', 'king'])).code, 2);
});

function idsOf(file: string): Set<string> {
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return new Set(lines.map((line) => String((JSON.parse(line) as { id: string }).id)));
}
