import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { spanOf } from '../../src/policy/window.js';
import { monotonicMs } from '../../src/redis/deadline.js';
import { windowKey } from '../../src/store/keys.js';
import { readWindowUse, type SliceShape } from '../../src/store/packed-window.js';
import { sliceUs } from '../../src/store/question.js';
import { createStore, type Store } from '../../src/store/store.js';
import { readPacked } from '../../src/store/windows.js';
import { createMetrics } from '../../src/telemetry/metrics.js';
import { MAX_ENTRIES, questionOf, windowOf } from '../support/question.js';
import { NO_REDIS } from '../support/redis.js';
import { seeded } from '../support/seed.js';
import { ENGINES, type SimulatedRedis, startSimulated } from '../support/simulated.js';
import { startTwoVersions } from '../support/two-versions.js';

const START_US = 1_790_000_000_000_000;
const DAY = 86_400_000_000;
const PATIENCE_MS = 20 * 86_400_000;

const WINDOWS = [
  { lengthUs: 1_000_000 },
  { lengthUs: 60_000_000 },
  { lengthUs: 7 * DAY },
  { calendar: 'day', timezone: 'Asia/Singapore' },
  { calendar: 'month', timezone: 'UTC' },
] as const;

const SIDES = [
  ...ENGINES.map((one) => ({ ...one, by: `on ${one.engine}`, start: startSimulated })),
  { engine: 'redis', skip: NO_REDIS, by: 'written by two versions', start: startTwoVersions },
] as const;

for (const { engine, skip, by, start } of SIDES) {
  describe(`a window that is read without a script, ${by}`, { skip }, () => {
    let redis: SimulatedRedis;
    let store: Store;
    before(async () => {
      redis = await start(engine);
      store = createStore(redis.connection, createMetrics(), () => MAX_ENTRIES);
    });
    after(() => redis.close());

    for (const window of WINDOWS) {
      test(`has what inspect says: ${JSON.stringify(window)}`, async () => {
        const random = seeded();
        await redis.flush();
        store.forget();
        let nowUs = START_US;
        const length = 'lengthUs' in window ? window.lengthUs : 31 * DAY;
        const key = windowKey('test', 'r', 's', 'p');
        for (let n = 0; n < 60; n += 1) {
          // Now and then the clock steps back, and now and then all has left.
          if (random.onceIn(8)) nowUs -= random.below(Math.ceil(length / 40));
          else nowUs += random.below(random.onceIn(6) ? 2 * length : Math.ceil(length / 30));
          await redis.setClock(nowUs);
          const span = spanOf(window, nowUs);
          const asked = (callId: string, costNano: number) =>
            questionOf({
              callId,
              final: true,
              amounts: { costNano, costSource: 'caller', tokensIn: 0, tokensOut: 0 },
              windows: [
                windowOf({
                  metric: 'estimated_cost_usd',
                  limit: 100_000,
                  thresholds: [random.below(100_000)],
                  span,
                }),
              ],
            });
          const soon = () => monotonicMs() + PATIENCE_MS;
          await store.ask('authorize', asked(`call-${n}`, random.below(20_000)), soon());
          const told = await store.ask('inspect', asked(`look-${n}`, 0), soon());
          assert.ok('windows' in told, JSON.stringify(told));
          const shape: SliceShape =
            'windowUs' in span ? { sliceUs: sliceUs(span.windowUs) } : { startUs: span.edgesUs[1] };
          const [packed] = await readPacked(redis.connection, [key]);
          const { used, slices } = readWindowUse(packed, shape, nowUs);
          assert.equal(used, told.windows[0]?.used, `SEED=${random.seed} step ${n}`);
          assert.ok(slices.length <= 61);
        }
      });
    }
  });
}
