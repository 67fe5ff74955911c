import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gentle } from '../../src/keeper/fleet/gentle.js';
import { createFleetReader, type FleetReader } from '../../src/keeper/fleet/read-fleet.js';
import { noSums } from '../../src/model/spend.js';
import { dayStartMs, dayStartsMs } from '../../src/policy/days.js';
import { parsePolicy } from '../../src/policy/parse.js';
import type { Connection } from '../../src/redis/connection.js';
import { monotonicMs } from '../../src/redis/deadline.js';
import { formatAttributes } from '../../src/store/attributes.js';
import { OLDEST_FORMAT } from '../../src/store/fleet-format.js';
import { attributesKey, foldKey, spendKey, windowKey } from '../../src/store/keys.js';
import { formatSums } from '../../src/store/sums.js';
import { tellWindows, type WindowNote } from '../../src/store/windows.js';
import { NO_REDIS, type RedisProcess, startRedis } from '../support/redis.js';
import { openStore } from '../support/store.js';

const WINDOWS = 5_000;
const ATTRIBUTES = 100_000;
const DOMAIN = 'default';

/** A decision waits behind one command of the keeper for this long at most, on a loaded machine. */
const SLOW_US = 20_000;

/** In all of which but the last everything is read. */
const ROUNDS = 4;

/** What a keeper remembers of such a fleet. */
const MOST_MB = 250;

/** Frees what is not used any more. */
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

describe('a large fleet', { skip: NO_REDIS }, () => {
  let redis: RedisProcess;
  let connection: Connection;
  let reader: FleetReader;
  const policy = parsePolicy('rules: []');
  before(async () => {
    redis = await startRedis();
    ({ connection } = await openStore(redis.url));
    assert.ok('hash' in policy);
    reader = createFleetReader(gentle(connection), () => policy);
    await fill();
  });
  after(async () => {
    connection.close();
    await redis.stop();
  });

  async function fill(): Promise<void> {
    const nowMs = Date.now();
    const sliceUs = 60e6;
    const notes = Array.from({ length: WINDOWS }, (_, i): [string, WindowNote] => {
      const partition = `agent=agent-${i}`;
      const note = {
        ...({ rule: 'budget', partition, metric: 'calls', limit: 1_000, granted: 0 } as const),
        ...({ windowUs: 3_600e6, calendar: '', agent: `agent-${i}`, team: 't' } as const),
        ...({ action: 'block', atMs: nowMs, untilMs: nowMs + 3_600_000 } as const),
      };
      return [windowKey(DOMAIN, 'budget', 's', partition), note];
    });
    assert.equal(await tellWindows(connection, DOMAIN, notes), 0);
    const packed = Buffer.alloc(3 + 8 + 61 * 16);
    packed[0] = OLDEST_FORMAT;
    packed.writeDoubleLE(610, 3);
    const current = Math.floor((nowMs * 1000) / sliceUs);
    for (let i = 0; i <= 60; i += 1) {
      packed.writeDoubleLE(current - 60 + i, 11 + i * 16);
      packed.writeDoubleLE(10, 19 + i * 16);
    }
    const pipeline = redis.client.pipeline();
    for (const [key] of notes) pipeline.set(key, packed);
    const todayMs = dayStartMs('UTC', nowMs);
    const days = [...dayStartsMs('UTC', todayMs - 2 * 86_400_000, todayMs), todayMs];
    const sums = formatSums({ ...noSums(), calls: 3, costNano: 123_456_789n, tokensIn: 99 });
    for (let shard = 0; shard < ATTRIBUTES / 100; shard += 1) {
      const numbers = Array.from({ length: 100 }, (_, i) => shard * 100 + i);
      const names = numbers.flatMap((n) => [n.toString(36), attributesOf(n)]);
      pipeline.hset(attributesKey(DOMAIN), ...names);
      const rows = numbers.flatMap((n) => [n.toString(36), sums]);
      for (const ms of days) pipeline.hset(spendKey(DOMAIN, 'day', ms, shard), ...rows);
    }
    pipeline.hset(foldKey(DOMAIN), 'next', ATTRIBUTES, 'commit', 'someone 1');
    await pipeline.exec();
  }

  function attributesOf(n: number): string {
    const agent = `agent-${n % 500}`;
    const named = { agent, team: `team-${n % 20}`, costCentre: 'cc', tool: `tool-${n}` };
    const rest = { model: '', provider: '', operation: '', rootAgent: agent, labels: {} };
    return formatAttributes({ ...named, ...rest });
  }

  /** The commands that took long since the log was reset. */
  async function slowCommands(): Promise<string[]> {
    const log = (await redis.client.call('SLOWLOG', 'GET', 1_000)) as [
      number,
      number,
      number,
      string[],
    ][];
    return log.map(([, , , args]) => args.join(' '));
  }

  test('is read in time that is bounded, by commands that keep nobody waiting, in memory that stays', async (t) => {
    const heapMb = () => {
      collect();
      return Math.round(process.memoryUsage().heapUsed / 1e6);
    };
    await redis.client.config('SET', 'slowlog-log-slower-than', SLOW_US);
    const heaps = [heapMb()];
    const took: string[] = [];
    let slow: string[] | undefined;
    for (let round = 0; round < ROUNDS; round += 1) {
      // Somebody has folded meanwhile, but for the last round.
      const reads = round < ROUNDS - 1;
      await redis.client.call('SLOWLOG', 'RESET');
      if (reads) await redis.client.hset(foldKey(DOMAIN), 'commit', `someone ${round + 2}`);
      const startedMs = monotonicMs();
      const fleet = await reader.read([]);
      const ms = Math.round(monotonicMs() - startedMs);
      took.push(`${ms} ms (busy ${Math.round(fleet.busyMs)} ms)`);
      heaps.push(heapMb());
      assert.equal(fleet.windows.length, WINDOWS);
      assert.ok(fleet.windows.every(({ used }) => used >= 590 && used <= 610));
      assert.equal(fleet.today.length, ATTRIBUTES);
      assert.equal(fleet.month.length, ATTRIBUTES);
      // A busy machine makes one or the other slow, now here, now there.
      const now = await slowCommands();
      if (reads) slow = slow?.filter((one) => now.includes(one)) ?? now;
    }
    t.diagnostic(`${WINDOWS} windows, ${ATTRIBUTES} attributes: ${took.join(', ')}`);
    t.diagnostic(`heap ${heaps.join(', ')} MB`);
    assert.deepEqual(slow, [], `commands of Redis that take over ${SLOW_US} us each time`);
    const [before = 0, first = 0, ...later] = heaps;
    assert.ok(first - before < MOST_MB, `heap ${heaps.join(', ')} MB`);
    for (const mb of later) assert.ok(mb - first < 20, `it grows: heap ${heaps.join(', ')} MB`);
  });

  test('a Redis that has lost its keys gives numbers to others, and they are told apart', async () => {
    await redis.client.flushall();
    const todayMs = dayStartMs('UTC', Date.now());
    const text = (n: number) =>
      formatAttributes({ ...JSON.parse(attributesOf(n)), agent: 'other', labels: {} });
    await redis.client.hset(attributesKey(DOMAIN), '0', text(0), '1', text(1));
    const sums = formatSums({ ...noSums(), calls: 1, costNano: 5n });
    await redis.client.hset(spendKey(DOMAIN, 'day', todayMs, 0), '0', sums, '1', sums);
    await redis.client.hset(foldKey(DOMAIN), 'next', 2, 'commit', 'someone 9');
    const fleet = await reader.read([]);
    assert.deepEqual(
      fleet.today.map(({ who, sums: { costNano } }) => [who.agent, who.tool, costNano]),
      [
        ['other', 'tool-0', 5n],
        ['other', 'tool-1', 5n],
      ],
    );
  });
});
