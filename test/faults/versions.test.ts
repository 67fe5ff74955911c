import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { OLDEST_FORMAT } from '../../src/store/fleet-format.js';
import { asideKey, FORMATS_KEY, ledgerKey } from '../../src/store/keys.js';
import { ADDED } from '../support/next-version.js';
import { NO_REDIS, type RedisProcess, startRedis } from '../support/redis.js';
import { tollgate } from '../support/run.js';
import { scratchFolder, writeScratch } from '../support/scratch.js';
import { type SidecarProcess, spawnSidecar } from '../support/sidecar.js';
import { until } from '../support/until.js';

const TIMEOUT_MS = 20_000;
const WORKERS = 16;
const NEXT = fileURLToPath(new URL('../support/next-process.js', import.meta.url));

/** Each stage asks for more than is left of its agent's limit, so that each meets the wall. */
const LIMIT = 150;
const CALLS = 200;

const POLICY = `
rules:
  - id: calls
    action: block
    failureMode: deny
    rateLimit: { limit: ${LIMIT}, window: 1h }
  - id: money
    action: block
    rateLimit: { metric: estimated_cost_usd, limit: 1000, window: 24h }
    alertAt: [0.01]
`;

/** What one call holds, and what it has used. */
const [HELD_USD, USED_USD] = [0.5, 0.25];

describe('an old and a new version side by side, under load', { skip: NO_REDIS }, () => {
  const folder = scratchFolder();
  let redis: RedisProcess;
  let env: Record<string, string>;
  const running = new Set<SidecarProcess>();
  let settledCalls = 0;
  before(async () => {
    redis = await startRedis();
    // Calls that a busy machine has kept waiting are no denials for want of understanding.
    env = {
      ...{ REDIS_URL: redis.url, TOLLGATE_POLICY: writeScratch(folder, POLICY) },
      TOLLGATE_DECISION_MS: '2000',
    };
  });
  after(async () => {
    await Promise.all([...running].map((one) => one.stop()));
    await redis.stop();
  });

  async function start(main?: string, args: string[] = []): Promise<SidecarProcess> {
    const one = await spawnSidecar(env, args, main);
    running.add(one);
    return one;
  }

  async function stop(one: SidecarProcess): Promise<void> {
    running.delete(one);
    assert.equal(await one.stop(), 0);
  }

  /** As if the living sidecars of the old format had been silent for 15 s: they are gone, or it is looked at. */
  const silence = () => redis.client.hset(FORMATS_KEY, String(OLDEST_FORMAT), '1', 'since', '1');

  /** In which formats the windows and the records of an agent are kept. */
  async function formatsOf(agent: string): Promise<{ windows: number[]; records: number[] }> {
    const windows = await redis.client.keys(`tg:{default}:w:*agent=${agent}`);
    const records = await redis.client.keys(`tg:{default}:call:${agent}:*`);
    const first = async (key: string) => (await redis.client.getBuffer(key))?.[0] ?? 0;
    const different = async (keys: string[]) => [...new Set(await Promise.all(keys.map(first)))];
    return { windows: await different(windows), records: await different(records) };
  }

  /**
   * Workers that ask one sidecar and settle at another, each call of one agent: exactly as many pass as may, whoever
   * decides; each is settled once, and a repeat at the other is known.
   */
  async function load(agent: string, sidecars: readonly SidecarProcess[]): Promise<void> {
    let [allowed, next, spent] = [0, 0, 0];
    const at = (n: number) => (sidecars[n % sidecars.length] as SidecarProcess).channel;
    await Promise.all(
      Array.from({ length: WORKERS }, async () => {
        while (next < CALLS) {
          const n = next;
          next += 1;
          const call = { agent_id: agent, call_id: `${n}`, estimated_cost: HELD_USD };
          const decision = await at(n).authorize(call, TIMEOUT_MS);
          assert.equal(decision.degraded_reason, '');
          if (decision.verdict !== 'VERDICT_ALLOW') continue;
          allowed += 1;
          spent += n % 10 === 0 ? 0 : n % 10 === 1 ? HELD_USD : USED_USD;
          const again = await at(n + 1).authorize(call, TIMEOUT_MS);
          assert.deepEqual([again.verdict, again.repeat], ['VERDICT_ALLOW', 1]);
          const end = { agent_id: agent, call_id: `${n}` };
          if (n % 10 === 0) {
            const { state } = await at(n + 1).release(end, TIMEOUT_MS);
            assert.equal(state, 'CALL_STATE_RELEASED');
          } else if (n % 10 !== 1) {
            const settled = await at(n + 1).settle({ ...end, cost: USED_USD }, TIMEOUT_MS);
            assert.deepEqual([settled.state, settled.pending], ['CALL_STATE_SETTLED', false]);
            settledCalls += 1;
          }
        }
      }),
    );
    assert.equal(allowed, LIMIT);
    // Both see what was settled and what is held.
    const seen = await Promise.all(
      sidecars.map(({ channel }) =>
        channel.inspect({ agent_id: agent, estimated_cost: 0 }, TIMEOUT_MS),
      ),
    );
    const [used] = seen.map(({ rules }) => rules.map((rule) => rule.used));
    assert.deepEqual([used?.[0], used?.[1]], [LIMIT, spent]);
    assert.ok(seen.every(({ rules }) => rules[1]?.used === spent));
  }

  test('a roll forward and back: no wrong decision, none denied for want of understanding', async () => {
    const [old, other] = await Promise.all([start(), start()]);
    await load('before', [old, other]);
    const next = await start(NEXT);
    await stop(other);

    // While one lives that knows no other, all is kept in the old format.
    await load('both', [old, next]);
    assert.deepEqual(await formatsOf('both'), { windows: [1], records: [1] });
    await until('the new version to have heard of the old one', async () => {
      const told = await redis.client.hgetall(FORMATS_KEY);
      return ['1', '2'].every((format) => format in told);
    });

    // Of the old version a keeper alone is left: it reads what is kept, too.
    const keeper = await start(undefined, ['--role', 'keeper']);
    await stop(old);
    await silence();
    await until('the keeper to tell of itself', async () => {
      return (await redis.client.hget(FORMATS_KEY, String(OLDEST_FORMAT))) !== '1';
    });
    await load('kept', [next]);
    assert.deepEqual(await formatsOf('kept'), { windows: [1], records: [1] });

    // The last old one goes: from some moment on all new windows and records are of the new format.
    await stop(keeper);
    await silence();
    await until('the new format to be written', () =>
      next.log.some(({ msg }) => String(msg).includes('newest format from now on')),
    );
    await load('after', [next]);
    assert.deepEqual(await formatsOf('after'), { windows: [2], records: [2] });

    // Rolled back: the old version goes on with what the new one keeps, and loses nothing of it.
    const back = await start();
    await load('again', [next, back]);
    const { channel } = back;
    const open = { agent_id: 'after', call_id: '1' };
    const settled = await channel.settle({ ...open, cost: USED_USD }, TIMEOUT_MS);
    assert.equal(settled.state, 'CALL_STATE_SETTLED');
    settledCalls += 1;
    const raw = String(await redis.client.getBuffer('tg:{default}:call:after:1'));
    // Of the call, and of each of its windows.
    assert.equal(raw.split(ADDED).length - 1, 3);
    assert.deepEqual(await formatsOf('after'), { windows: [2], records: [2] });
    await stop(next);
    await load('alone', [back]);

    // And the ledger adds up, though some entries say more than this version reads.
    const entries = await redis.client.xrange(ledgerKey('default'), '-', '+');
    assert.ok(entries.some(([, fields]) => fields.includes(ADDED)));
    const { out } = await tollgate(['report', '--day', 'today', '--json', '--top', '100'], env);
    const { total } = JSON.parse(out) as { total: { costUsd: string; calls: number } };
    assert.deepEqual([Number(total.costUsd), total.calls], [settledCalls * USED_USD, settledCalls]);
    assert.equal(await redis.client.llen(asideKey('default')), 0);
  });
});
