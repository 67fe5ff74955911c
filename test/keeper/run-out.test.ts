import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Entry } from '../../src/model/entry.js';
import { addSums, noSums, postingOf } from '../../src/model/spend.js';
import { NO_ACCESS } from '../../src/redis/access.js';
import { type Connection, openConnection } from '../../src/redis/connection.js';
import { readLua } from '../../src/redis/scripts.js';
import { newFolder } from '../../src/store/commit.js';
import { parseEntry } from '../../src/store/entry.js';
import { formatFacts } from '../../src/store/facts.js';
import { foldBatch, foldPending } from '../../src/store/fold.js';
import { ledgerKey, recordKey } from '../../src/store/keys.js';
import { countOpen, runOut } from '../../src/store/open.js';
import { readSpend } from '../../src/store/spend-reader.js';
import { readRange } from '../../src/store/unfolded.js';
import { factsFor, startOf, UTC } from '../support/ledger.js';
import { NO_REDIS } from '../support/redis.js';
import { seeded } from '../support/seed.js';
import { type SimulatedRedis, simulatedScripts, startSimulated } from '../support/simulated.js';
import { until } from '../support/until.js';

const MINUTE_US = 60_000_000;
const HOLD_US = 15 * MINUTE_US;
const SETTLE_US = 60 * MINUTE_US;
const OPTIONS = { settleForUs: SETTLE_US, maxEntries: 1_000_000 };

/** The time of the test's clock as the id of an entry, since Redis would take its own. */
const ID = "string.format('%.0f-*', math.floor(now_us() / 1000))";

/** What the scripts do to a record and the ledger, and nothing else: KEYS ledger, record. */
const LIFE = `${['now_us', 'keep', 'format', 'record'].map((name) => include(name)).join('\n')}
local now, what = now_us(), ARGV[1]
local call = record.read(redis.call('GET', KEYS[2]))
local function tell(kind, n) redis.call('XADD', KEYS[1], ${ID}, 'k', kind, 'f', ARGV[2], 'n', n) end
local held = '10 3 4 0'
if what == 'authorize' then
  call = record.new(STATE.HELD, FORMAT)
  call.hold_until, call.held, call.facts = now + ${HOLD_US}, { 10, 3, 4, 0 }, ARGV[3]
  keep(KEYS[2], record.pack(call), ${(HOLD_US + SETTLE_US) / 1000})
  tell('a', held .. string.format(' %.0f 0', call.hold_until))
  return 1
end
if not call or call.state ~= STATE.HELD then return 0 end
if what == 'settle' then
  call.state, call.settled_at = STATE.SETTLED, now
  tell('s', string.format('1 0 0 %d 1 %s 25 5 6 0', call.ran_out, held))
  record.close(KEYS[2], call)
else
  call.state = STATE.RELEASED
  tell('r', string.format('%d %s', call.ran_out, held))
  record.update(KEYS[2], call)
end
return 1`;

function include(name: string): string {
  const simulated = {
    now_us: `local function now_us() return tonumber(redis.call('GET', 'simulated:now')) end`,
    keep: `local function keep(key, value, ttl_ms)
  redis.call('SET', key, value)
  redis.call('ZADD', 'simulated:ends', string.format('%.0f', now_us() + ttl_ms * 1000), key)
end`,
  } as Record<string, string>;
  return (simulated[name] ?? readLua(`include/${name}.lua`)).replace(/^--- @include .*$/m, '');
}

describe('holds that run out', { skip: NO_REDIS }, () => {
  let redis: SimulatedRedis;
  let connection: Connection;
  before(async () => {
    redis = await startSimulated('redis');
    const scripts = simulatedScripts();
    const run_out = scripts.run_out.replace("'*'", ID);
    assert.notEqual(run_out, scripts.run_out);
    connection = openConnection({
      address: redis.address,
      access: NO_ACCESS,
      scripts: { ...scripts, run_out },
      onFileProblem: () => {},
      onUp: () => {},
      onDown: () => {},
    });
    await until('the connection to be ready', connection.ready);
  });
  after(async () => {
    connection.close();
    await redis.close();
  });

  const life = async (domain: string, what: string, callId: string) => {
    const facts = formatFacts(factsFor(callId, { agent: 'a' }));
    const record = recordKey({ domain, agent: 'a', callId });
    return connection.command('EVAL', '', LIFE, 2, ledgerKey(domain), record, what, facts, facts);
  };

  async function totalsOf(domain: string, startMs: number, days: number) {
    const total = noSums();
    const first = startOf(UTC, 'day', startMs);
    const starts = Array.from({ length: days }, (_, i) => first + i * 86_400_000);
    for await (const rows of readSpend(connection, domain).rows('day', starts)) {
      for (const { sums } of rows) addSums(total, sums);
    }
    const { calls, costNano, unsettledNano } = total;
    return { calls, cost: Number(costNano), unsettled: Number(unsettledNano) };
  }

  const domainsNow = { count: 0 };
  const begin = async () => {
    domainsNow.count += 1;
    const startMs = Date.now() - 3 * 86_400_000;
    let nowUs = startMs * 1000;
    const pass = async (us: number) => {
      nowUs += us;
      await redis.setClock(nowUs);
    };
    await pass(0);
    return { domain: `run-out-${domainsNow.count}`, startMs, pass };
  };
  const folder = newFolder();

  test('a hold that runs out counts once, and a later settlement takes its place', async () => {
    const { domain, startMs, pass } = await begin();
    await life(domain, 'authorize', 'one');
    await foldPending(connection, domain, UTC, 60_000);
    assert.equal((await runOut(connection, domain, OPTIONS)).ranOut, 0, 'it is held');
    await pass(HOLD_US + MINUTE_US);
    const rounds = await Promise.all([1, 2, 3].map(() => runOut(connection, domain, OPTIONS)));
    assert.equal(
      rounds.reduce((sum, { ranOut }) => sum + ranOut, 0),
      1,
    );
    await foldPending(connection, domain, UTC, 60_000);
    assert.deepEqual(await totalsOf(domain, startMs, 4), { calls: 1, cost: 10, unsettled: 10 });
    assert.equal(await life(domain, 'settle', 'one'), 1);
    await foldPending(connection, domain, UTC, 60_000);
    assert.deepEqual(await totalsOf(domain, startMs, 4), { calls: 1, cost: 25, unsettled: 0 });
  });

  test('a settlement that is not folded yet is not run out, though its record is gone', async () => {
    const { domain, startMs, pass } = await begin();
    await life(domain, 'authorize', 'one');
    await foldBatch(connection, domain, folder, UTC, 1);
    await life(domain, 'settle', 'one');
    await life(domain, 'authorize', 'two');
    await pass(5 * 60 * MINUTE_US);
    // Hours behind: the records of both calls have ended.
    assert.equal((await runOut(connection, domain, OPTIONS)).ranOut, 0);
    await foldPending(connection, domain, UTC, 60_000);
    // All is folded, so nobody has settled the second.
    assert.equal((await runOut(connection, domain, OPTIONS)).ranOut, 1);
    assert.equal((await runOut(connection, domain, OPTIONS)).ranOut, 0);
    await foldPending(connection, domain, UTC, 60_000);
    assert.deepEqual(await totalsOf(domain, startMs, 4), { calls: 2, cost: 35, unsettled: 10 });
    assert.equal(await countOpen(connection, domain), 0);
  });

  test('whatever the order of calls, keepers and time: every call counts once', async () => {
    for (let run = 0; run < 8; run += 1) {
      const random = seeded();
      const note = `SEED=${random.seed}`;
      const { domain, startMs, pass } = await begin();
      const ended = new Map<string, 'held' | 'settle' | 'release'>();
      let calls = 0;
      for (let step = 0; step < 150; step += 1) {
        const dice = random.below(12);
        if (dice < 3) {
          calls += 1;
          await life(domain, 'authorize', `c${calls}`);
          ended.set(`c${calls}`, 'held');
        } else if (dice < 6 && calls > 0) {
          const [what, call] = [
            random.pick(['settle', 'settle', 'release'] as const),
            `c${1 + random.below(calls)}`,
          ];
          if ((await life(domain, what, call)) === 1) ended.set(call, what);
        } else if (dice < 9) {
          await Promise.all([
            runOut(connection, domain, OPTIONS),
            foldBatch(connection, domain, folder, UTC, 1 + random.below(6)),
            runOut(connection, domain, OPTIONS),
            foldBatch(connection, domain, folder, UTC, 1 + random.below(6)),
          ]);
        } else {
          await pass(
            random.onceIn(6) ? random.below(100) * MINUTE_US : random.below(3 * MINUTE_US),
          );
        }
      }
      await pass(HOLD_US + SETTLE_US + MINUTE_US);
      await foldPending(connection, domain, UTC, 60_000);
      await runOut(connection, domain, OPTIONS);
      await foldPending(connection, domain, UTC, 60_000);
      const of = (how: string) => [...ended.values()].filter((end) => end === how).length;
      const expected = {
        calls: of('held') + of('settle'),
        cost: 10 * of('held') + 25 * of('settle'),
        unsettled: 10 * of('held'),
      };
      assert.deepEqual(await totalsOf(domain, startMs, 4), expected, note);
      assert.equal(await countOpen(connection, domain), 0, note);
      // And the rows are the sum of what the stream says.
      const raws = await readRange(connection, ledgerKey(domain), '0-0', 10_000);
      const total = noSums();
      for (const { id, fields } of raws) {
        const posting = postingOf(parseEntry(id, fields) as Entry);
        if (posting) addSums(total, posting.sums);
      }
      assert.equal(Number(total.costNano), expected.cost, note);
    }
  });
});
