import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Entry } from '../../src/model/entry.js';
import type { Connection } from '../../src/redis/connection.js';
import { newFolder } from '../../src/store/commit.js';
import { parseEntry } from '../../src/store/entry.js';
import { foldBatch, foldPending } from '../../src/store/fold.js';
import { readFoldState } from '../../src/store/fold-state.js';
import { ledgerKey } from '../../src/store/keys.js';
import { readRange } from '../../src/store/unfolded.js';
import { appendEntries, entriesOf, plainSpend, storedSpend, UTC } from '../support/ledger.js';
import { NO_REDIS, type RedisProcess, startRedis } from '../support/redis.js';
import { type Seeded, seeded } from '../support/seed.js';
import { openStore } from '../support/store.js';
import { until } from '../support/until.js';

const PROCESS = fileURLToPath(new URL('../support/folding-process.js', import.meta.url));
const DAY_MS = 86_400_000;
const FOREVER_MS = 60_000;

/** As many as a batch or two need: state, stream, its entries, numbers, some hashes, the commit. */
const COMMANDS = 12;

describe('a keeper that does not come to its end', { skip: NO_REDIS }, () => {
  let redis: RedisProcess;
  let connection: Connection;
  before(async () => {
    redis = await startRedis('--appendonly', 'yes', '--appendfsync', 'everysec');
    ({ connection } = await openStore(redis.url));
  });
  after(async () => {
    connection.close();
    await redis.stop();
  });

  /** Starts a process that folds until it meets the moment. */
  function startFolding(domain: string, batch: number, nth: number, when: string, signal: string) {
    const args = [redis.plainUrl, domain, batch, nth, when, signal].map(String);
    return spawn(process.execPath, [PROCESS, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  }

  async function assertExact(domain: string, entries: readonly Entry[], note: string) {
    await foldPending(connection, domain, UTC, FOREVER_MS);
    const stored = await storedSpend(connection, domain, entries, UTC);
    assert.deepEqual(stored, plainSpend(entries, UTC), note);
    const { folded, lost, aside } = await readFoldState(connection, domain);
    assert.deepEqual([folded, lost, aside], [entries.length, 0, 0], note);
  }

  /** Kills keepers one after another, while entries come and another keeper folds. */
  async function killMany(random: Seeded, domain: string, times: number): Promise<Entry[]> {
    const fromMs = Date.now() - 3 * DAY_MS;
    const entries: Entry[] = [];
    const folder = newFolder();
    let written = 0;
    const append = async (count: number) => {
      // Always enough: a process that finds nothing to fold is not killed.
      if (written + count > entries.length) {
        entries.push(...entriesOf(random, 1_000, (entries.at(-1)?.atMs ?? fromMs) + 1));
      }
      await appendEntries(connection, domain, entries.slice(written, written + count));
      written += count;
    };
    for (let killed = 0; killed < times; ) {
      const [nth, when] = [1 + random.below(COMMANDS), random.pick(['before', 'sent', 'replied'])];
      const child = startFolding(domain, 2 + random.below(10), nth, when, 'SIGKILL');
      const over = once(child, 'exit');
      await Promise.race([once(child.stdout, 'data'), over]);
      while (child.signalCode === null && child.exitCode === null) {
        await append(1 + random.below(8));
        if (random.onceIn(2)) await foldBatch(connection, domain, folder, UTC, 1 + random.below(4));
      }
      await over;
      if (child.signalCode === 'SIGKILL') killed += 1;
    }
    return entries.slice(0, written);
  }

  test('killed 100 times in the middle of a batch, with two at once: no entry is lost or counts twice', async (t) => {
    const random = seeded();
    const lanes = await Promise.all([
      killMany(random, 'killed-0', 50),
      killMany(random, 'killed-1', 50),
    ]);
    for (const [i, entries] of lanes.entries()) {
      await assertExact(`killed-${i}`, entries, `SEED=${random.seed}`);
    }
    t.diagnostic(`seed ${random.seed}`);
  });

  test('asleep in the middle of a batch while another folds: its batch is thrown away', async () => {
    const random = seeded();
    const entries = entriesOf(random, 400, Date.now() - 3 * DAY_MS);
    await appendEntries(connection, 'asleep', entries);
    // The second batch is read, and not stored yet.
    const child = startFolding('asleep', 100, 20, 'before', 'SIGSTOP');
    let out = '';
    child.stdout?.on('data', (chunk) => {
      out += String(chunk);
    });
    await until('it to be asleep', () => isStopped(child));
    const asleepAt = (await readFoldState(connection, 'asleep')).position;
    await foldPending(connection, 'asleep', UTC, FOREVER_MS);
    assert.notEqual((await readFoldState(connection, 'asleep')).position, asleepAt);
    child.kill('SIGCONT');
    await once(child, 'exit');
    assert.match(out, /done [1-9]/, 'it was beaten');
    await assertExact('asleep', entries, `SEED=${random.seed}`);
  });

  test('Redis killed in mid-batch, restarted from what its log has: the sums are those of its stream', async () => {
    const random = seeded();
    const entries = entriesOf(random, 2_000, Date.now() - 3 * DAY_MS);
    for (let round = 0; round < 2; round += 1) {
      await appendEntries(connection, 'aof', entries.slice(round * 1_000, (round + 1) * 1_000));
      const folding = foldPending(connection, 'aof', UTC, FOREVER_MS).catch(() => 'cut off');
      await until('it to have folded some', async () => {
        const { folded } = await readFoldState(connection, 'aof');
        return folded > round * 1_000;
      });
      const [, folder = ''] = (await redis.client.config('GET', 'dir')) as string[];
      await redis.kill();
      await folding;
      // A machine that goes down with it takes the last writes along.
      cutLog(join(folder, 'appendonlydir'), random.below(60_000));
      await redis.restart();
      await until('the connection to be back', connection.ready);
      await foldPending(connection, 'aof', UTC, FOREVER_MS);
      const raws = await readRange(connection, ledgerKey('aof'), '0-0', 10_000);
      const kept = raws.flatMap(({ id, fields }) => parseEntry(id, fields) ?? []);
      const stored = await storedSpend(connection, 'aof', entries, UTC);
      assert.deepEqual(stored, plainSpend(kept, UTC), `SEED=${random.seed}`);
    }
  });
});

function isStopped({ pid }: ChildProcess): boolean {
  return execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).startsWith(
    'T',
  );
}

function cutLog(folder: string, bytes: number): void {
  const name = readdirSync(folder).find((file) => file.endsWith('.incr.aof'));
  if (name === undefined) throw new Error('there is no log');
  const file = join(folder, name);
  truncateSync(file, Math.max(0, readFileSync(file).length - bytes));
}
