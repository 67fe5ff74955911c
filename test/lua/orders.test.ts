import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { type Answer, parseAnswer } from '../../src/store/answer.js';
import { type Orders, ordersOf } from '../../src/store/orders.js';
import { type Question, questionArguments, questionKeys } from '../../src/store/question.js';
import { MAX_ENTRIES, questionOf, windowOf } from '../support/question.js';
import { ENGINES, type SimulatedRedis, startSimulated } from '../support/simulated.js';

const SECOND = 1_000_000;
const START_US = 1_790_000_000_000_000;

for (const { engine, skip } of ENGINES) {
  describe(`halts and grants in the scripts on ${engine}`, { skip }, () => {
    let redis: SimulatedRedis;
    let orders: Orders;
    before(async () => {
      redis = await startSimulated(engine);
      orders = ordersOf(redis.connection, 'test', MAX_ENTRIES);
    });
    after(() => redis.close());
    beforeEach(async () => {
      await redis.setClock(START_US);
      await redis.flush();
    });

    let calls = 0;
    const ask = async (given: Partial<Question> = {}): Promise<Answer> => {
      const question = questionOf({ callId: `call-${calls++}`, ...given });
      return parseAnswer(
        await redis.connection.run(
          'authorize',
          questionKeys(question),
          questionArguments(question, START_US * 2, MAX_ENTRIES),
        ),
      );
    };

    test('a halt holds until its end, to the microsecond', async () => {
      await orders.halt('a', 'ana', 'why', 60 * SECOND);
      await redis.setClock(START_US + 60 * SECOND - 1);
      const { code, halt } = await ask();
      assert.deepEqual(
        [code, halt?.everyone, halt?.sinceUs, halt?.untilUs],
        ['halted', false, START_US, START_US + 60 * SECOND],
      );
      await redis.setClock(START_US + 60 * SECOND);
      assert.equal((await ask()).code, 'allowed');
      assert.deepEqual(await orders.list(), { halts: [], grants: [] });
    });

    test('a halt that was written by hand holds, whatever it says', async () => {
      await redis.connection.command('HSET', 'tg:{test}:orders', 'halt:a', 'stop it');
      const { code, halt } = await ask();
      assert.deepEqual([code, halt?.untilUs, halt?.text], ['halted', 0, 'stop it']);
      assert.equal((await orders.list()).halts[0]?.why, 'stop it');
      assert.equal((await orders.resume('a', 'bo')).halt?.why, 'stop it');
      assert.equal((await ask()).code, 'allowed');
    });

    test('a halt without an end holds until it is resumed; that of everyone stops all', async () => {
      await orders.halt('*', 'ana', 'why', 0);
      await redis.setClock(START_US + 365 * 86_400 * SECOND);
      assert.deepEqual([(await ask({ agent: 'b' })).halt?.everyone], [true]);
      assert.equal((await orders.resume('b', 'bo')).halt, undefined, 'b itself is not halted');
      assert.equal((await orders.resume('*', 'bo')).halt?.agent, '*');
      assert.equal((await ask({ agent: 'b' })).code, 'allowed');
    });

    test('what went ahead is charged and settled though the agent is halted', async () => {
      await orders.halt('a', 'ana', 'why', 0);
      assert.equal((await ask({ mode: 'force' })).code, 'allowed');
      assert.equal((await ask({ mode: 'claim' })).code, 'allowed');
      assert.equal((await ask({ mode: 'look' })).code, 'allowed');
      assert.equal((await ask({ mode: 'deny' })).code, 'halted');
    });

    test('a denial of several halt rules sets off the longest', async () => {
      const rule = (name: string, forUs: number) =>
        windowOf({
          rule: name,
          kind: 'halt',
          limit: 0,
          halt: { forUs, text: `{"rule":"${name}","why":""}` },
        });
      for (const [lengths, expected] of [
        [[60, 900, 30], 'r900'],
        [[60, 0, 900], 'r0'],
        [[0, 900], 'r0'],
      ] as const) {
        await redis.flush();
        const windows = lengths.map((s) => rule(`r${s}`, s * SECOND));
        assert.equal((await ask({ windows })).code, 'denied');
        assert.equal((await orders.list()).halts[0]?.rule, expected);
      }
    });

    test('grants add up while they last, for their agent and rule, in money exact to the nano-dollar', async () => {
      const money = windowOf({ rule: 'money', metric: 'estimated_cost_usd', limit: 10 });
      const cost = (costNano: number, agent = 'a') =>
        ask({
          agent,
          amounts: { costNano, costSource: 'caller', tokensIn: 0, tokensOut: 0 },
          windows: [money],
        });
      const grant = (rule: string, add: number, forS: number) =>
        orders.grant({ agent: 'a', rule, add, by: 'ana', why: '' }, forS * SECOND);
      await grant('other', 100, 60);
      assert.equal((await cost(11)).code, 'denied');
      await grant('money', 8_999_999_999_999_999 - 10, 60);
      await grant('money', 1, 30);
      const most = await cost(9_000_000_000_000_000);
      assert.deepEqual([most.code, most.windows[0]?.granted], ['allowed', 8_999_999_999_999_990]);
      assert.equal((await cost(11, 'b')).code, 'denied', 'nobody else');
      await redis.setClock(START_US + 30 * SECOND);
      assert.equal((await cost(0)).windows[0]?.granted, 8_999_999_999_999_989, 'one has ended');
      await redis.setClock(START_US + 60 * SECOND);
      assert.equal((await cost(0)).windows[0]?.granted, 0);
    });

    test('an agent has at most 32 grants at once', async () => {
      const grant = () =>
        orders.grant({ agent: 'a', rule: 'r', add: 1, by: '', why: '' }, 60 * SECOND);
      for (let n = 0; n < 32; n += 1) assert.ok(await grant());
      assert.equal(await grant(), undefined);
      await redis.setClock(START_US + 60 * SECOND);
      assert.ok(await grant(), 'ended ones make room');
    });
  });
}
