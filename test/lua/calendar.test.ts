import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { NOTHING } from '../../src/model/amounts.js';
import { type Calendar, calendarEdges } from '../../src/policy/calendar.js';
import { parseAnswer } from '../../src/store/answer.js';
import { recordKey } from '../../src/store/keys.js';
import { questionArguments, questionKeys } from '../../src/store/question.js';
import { settleArguments } from '../../src/store/settlement.js';
import { LEDGER, MAX_ENTRIES, questionOf, UNSAID, windowOf } from '../support/question.js';
import { ENGINES, type SimulatedRedis, startSimulated } from '../support/simulated.js';

const SECOND = 1_000_000;
const LIMIT = 10;
const FAR = Date.parse('2100-01-01T00:00Z') * 1000;

/** Midnights worth crossing: plain ones, both changes of the clock, the ends of a week and of a month. */
const EDGES: readonly [string, Calendar, string, string][] = [
  ['a plain midnight', 'day', 'Asia/Singapore', '2026-11-24T16:00Z'],
  ['the start of a day of 23 h', 'day', 'America/New_York', '2026-03-08T05:00Z'],
  ['the end of a day of 23 h', 'day', 'America/New_York', '2026-03-09T04:00Z'],
  ['the start of a day of 25 h', 'day', 'America/New_York', '2026-11-01T04:00Z'],
  ['the end of a day of 25 h', 'day', 'America/New_York', '2026-11-02T05:00Z'],
  ['a day without midnight', 'day', 'Africa/Cairo', '2026-04-23T22:00Z'],
  ['a day with two midnights', 'day', 'America/Havana', '2026-11-01T04:00Z'],
  ['a Monday', 'week', 'Europe/Berlin', '2026-03-29T22:00Z'],
  ['a new month', 'month', 'Asia/Singapore', '2026-11-30T16:00Z'],
  ['a new year', 'month', 'UTC', '2027-01-01T00:00Z'],
];

for (const { engine, skip } of ENGINES) {
  describe(`a calendar window on ${engine}`, { skip }, () => {
    let redis: SimulatedRedis;
    before(async () => {
      redis = await startSimulated(engine);
    });
    after(() => redis.close());
    const runs = (engine === 'redis' ? 25 : 4) * Number(process.env['TEST_RUNS'] ?? 1);

    /** Asks as a sidecar whose clock is off by so much. */
    async function ask(
      callId: string,
      [calendar, timezone]: [Calendar, string],
      redisUs: number,
      skewUs: number,
    ): Promise<{ allowed: boolean; retryAfterUs: number | undefined; resetAfterUs: number }> {
      await redis.setClock(redisUs);
      const edgesUs = calendarEdges(calendar, timezone, redisUs + skewUs);
      const question = questionOf({
        callId,
        windows: [windowOf({ limit: LIMIT, span: { edgesUs } })],
      });
      const reply = await redis.connection.run(
        'authorize',
        questionKeys(question),
        questionArguments(question, FAR, MAX_ENTRIES),
      );
      const { code, windows } = parseAnswer(reply);
      const { retryAfterUs = undefined, resetAfterUs = 0 } = windows[0] ?? {};
      return { allowed: code === 'allowed', retryAfterUs, resetAfterUs };
    }

    for (const [name, calendar, timezone, instant] of EDGES) {
      test(`${name}: sidecars whose clocks differ by a second admit exactly the limit on each side`, async () => {
        const edgeUs = Date.parse(instant) * 1000;
        const [before, start] = calendarEdges(calendar, timezone, edgeUs);
        assert.equal(start, edgeUs, 'the table is right');
        assert.ok(before < edgeUs);
        const step = fc.record({
          gapUs: fc.integer({ min: 0, max: 0.3 * SECOND }),
          skewUs: fc.integer({ min: -SECOND, max: SECOND }),
        });
        const plan = fc.array(step, { minLength: 30, maxLength: 60 });
        await fc.assert(
          fc.asyncProperty(plan, async (steps) => {
            await redis.setClock(edgeUs - 5 * SECOND);
            await redis.flush();
            let nowUs = edgeUs - 5 * SECOND;
            const asked = [0, 0];
            const passed = [0, 0];
            for (const [n, { gapUs, skewUs }] of steps.entries()) {
              nowUs += gapUs;
              const side = nowUs < edgeUs ? 0 : 1;
              const answer = await ask(`${n}`, [calendar, timezone], nowUs, skewUs);
              asked[side] = (asked[side] ?? 0) + 1;
              if (answer.allowed) passed[side] = (passed[side] ?? 0) + 1;
              else if (side === 0) assert.equal(answer.retryAfterUs, edgeUs - nowUs);
            }
            assert.deepEqual(
              passed,
              asked.map((count) => Math.min(count, LIMIT)),
            );
          }),
          { numRuns: runs },
        );
      });
    }

    test('a threshold is raised once in a period, however use goes up and down', async () => {
      const edgeUs = Date.parse('2026-11-24T16:00Z') * 1000;
      await redis.setClock(edgeUs);
      await redis.flush();
      const raised = async (callId: string, tokensIn: number, atUs: number) => {
        await redis.setClock(atUs);
        const edgesUs = calendarEdges('day', 'Asia/Singapore', atUs);
        const window = windowOf({ metric: 'tokens_in', span: { edgesUs }, thresholds: [50] });
        const amounts = { ...NOTHING, tokensIn };
        const question = questionOf({ callId, amounts, windows: [window] });
        const reply = await redis.connection.run(
          'authorize',
          questionKeys(question),
          questionArguments(question, FAR, MAX_ENTRIES),
        );
        return parseAnswer(reply).windows[0]?.raised;
      };
      const hour = 3_600 * SECOND;
      assert.equal(await raised('a', 60, edgeUs), 1);
      const used = { costNano: 0, costSource: 'caller', tokensIn: 10, tokensOut: 0 } as const;
      const key = recordKey({ domain: 'test', agent: 'a', callId: 'a' });
      await redis.connection.run(
        'settle',
        [key, LEDGER],
        settleArguments('s', used, UNSAID, MAX_ENTRIES),
      );
      assert.equal(await raised('b', 60, edgeUs + hour), 0, 'fell below it, in the same day');
      assert.equal(await raised('c', 60, edgeUs + 24 * hour), 1, 'the next day');
    });

    test('a clock of Redis that steps back over midnight does not open the day before again', async () => {
      const edgeUs = Date.parse('2026-11-24T16:00Z') * 1000;
      const day: [Calendar, string] = ['day', 'Asia/Singapore'];
      await redis.setClock(edgeUs);
      await redis.flush();
      for (let n = 0; n < LIMIT; n += 1) await ask(`${n}`, day, edgeUs + SECOND, 0);
      const back = await ask('back', day, edgeUs - 2 * SECOND, 0);
      assert.equal(back.allowed, false);
      assert.equal(back.retryAfterUs, 86_402 * SECOND, 'the new day has begun, and stays');
    });
  });
}
