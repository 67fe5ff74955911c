import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ledgerKey } from '../../src/store/keys.js';
import { NO_REDIS, type RedisProcess, startRedis } from '../support/redis.js';
import { tollgate } from '../support/run.js';
import { scratchFolder, writeScratch } from '../support/scratch.js';
import { type SidecarProcess, spawnSidecar } from '../support/sidecar.js';
import { until } from '../support/until.js';

const TIMEOUT_MS = 10_000;

/** What is folded is trimmed at once, as far as Redis goes: whole nodes of the stream. */
const POLICY = 'ledger: { keepFor: 1s }\nrules: []\n';
const NODE = ['--stream-node-max-entries', '5'];

if (NO_REDIS) test('a restore', { skip: NO_REDIS }, () => {});
else {
  const folder = scratchFolder();
  const sink = join(folder, 'ledger.ndjson');
  let env: Record<string, string>;
  let redis: RedisProcess;
  let sidecar: SidecarProcess;
  before(async () => {
    redis = await startRedis(...NODE);
    env = { REDIS_URL: redis.url, TOLLGATE_POLICY: writeScratch(folder, POLICY, 'policy.yaml') };
    sidecar = await spawnSidecar({ ...env, TOLLGATE_LEDGER_SINK: sink });
  });
  after(async () => {
    await sidecar.stop();
    await redis.stop();
  });

  let calls = 0;
  /** Dollars, one a call, as far as a keeper has written them to its sink. */
  async function spend(usd: number): Promise<void> {
    const last = calls + usd - 1;
    for (; calls <= last; calls += 1) {
      const call = { agent_id: 'a', call_id: `c${calls}`, estimated_cost: 1, final: true };
      await sidecar.channel.authorize(call, TIMEOUT_MS);
    }
    const line = `"callId":"c${last}"`;
    await until('the sink to have them', () => {
      return existsSync(sink) && readFileSync(sink, 'utf8').includes(line);
    });
  }

  const spent = async () => {
    const { out } = await tollgate(['report', '--last', '2d', '--json'], env);
    return JSON.parse(out).total.costUsd;
  };

  test('a restore of some seconds before is said, and import gives back what it has lost', async () => {
    await spend(10);
    await redis.client.save();
    await spend(5);
    // Another round of the keeper: it has seen those.
    await spend(1);
    const lost = (await redis.client.xrevrange(ledgerKey('default'), '+', '-', 'COUNT', 1))[0]?.[0];
    assert.equal(await spent(), '16');
    await redis.kill();
    await redis.restart();
    await until('it to be said', async () => {
      return (await sidecar.metric('tollgate_store_resets_total')) === 1;
    });
    assert.ok(sidecar.log.some(({ msg }) => String(msg).startsWith('Redis has gone back')));
    await spend(12);
    await until('the ledger to have nothing of then any more', async () => {
      await spend(1);
      const [first] = await redis.client.xrange(ledgerKey('default'), '-', '+', 'COUNT', 1);
      return first !== undefined && Number.parseInt(first[0], 10) > Number.parseInt(lost ?? '', 10);
    });
    assert.equal(await spent(), String(calls - 6));
    const done = JSON.parse((await tollgate(['import', sink, '--json'], env)).out);
    // The policy may have been told after the snapshot, too.
    assert.ok(done.taken === 6 || done.taken === 7, String(done.taken));
    assert.equal(done.unsure, 0);
    assert.equal(await spent(), String(calls));
    assert.equal(await sidecar.metric('tollgate_store_resets_total'), 1);
  });
}
