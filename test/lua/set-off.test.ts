import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { type Amounts, NOTHING } from '../../src/model/amounts.js';
import { factsOf, formatFacts } from '../../src/store/facts.js';
import { formatHaltText } from '../../src/store/halt.js';
import { ledgerKey, recordKey } from '../../src/store/keys.js';
import { ordersOf } from '../../src/store/orders.js';
import { questionArguments, questionKeys, type WindowQuestion } from '../../src/store/question.js';
import { settleArguments } from '../../src/store/settlement.js';
import { callOf } from '../support/call.js';
import { MAX_ENTRIES, questionOf, windowOf } from '../support/question.js';
import { ENGINES, type SimulatedRedis, startSimulated } from '../support/simulated.js';
import { readEntries } from '../support/stream.js';

const START_US = 1_790_000_000_000_000;

for (const { engine, skip } of ENGINES) {
  describe(`what a call sets off says which call it was, on ${engine}`, { skip }, () => {
    let redis: SimulatedRedis;
    before(async () => {
      redis = await startSimulated(engine);
    });
    after(() => redis.close());
    beforeEach(async () => {
      await redis.setClock(START_US);
      await redis.flush();
    });

    const ask = async (callId: string, window: Partial<WindowQuestion>, costNano = 0) => {
      const call = callOf({ callId, agent: 'a', team: 't', tool: 'search', run: `run ${callId}` });
      const amounts: Amounts = { ...NOTHING, costNano, costSource: 'caller' };
      const facts = formatFacts(factsOf(call));
      const question = questionOf({ callId, facts, amounts, windows: [windowOf(window)] });
      const args = questionArguments(question, START_US * 2, MAX_ENTRIES);
      await redis.connection.run('authorize', questionKeys(question), args);
    };
    /** Whose call each entry of the kind says has set it off. */
    const setOff = async (kind: 'halted' | 'threshold') => {
      const reply = await redis.connection.command('XRANGE', ledgerKey('test'), '-', '+');
      return readEntries(reply).flatMap((entry) =>
        entry.kind === kind ? [[entry.agent, entry.team, entry.tool, entry.run]] : [],
      );
    };

    test('a threshold: by an admission, and by a settlement of more than was held', async () => {
      const money = { metric: 'estimated_cost_usd', limit: 100, thresholds: [50, 80] } as const;
      await ask('1', money, 60);
      assert.deepEqual(await setOff('threshold'), [['a', 't', 'search', 'run 1']]);
      await ask('2', money, 1);
      const used = { ...NOTHING, costNano: 30, costSource: 'caller' } as const;
      const said = { outcome: 'ok', model: '', provider: '' } as const;
      const key = recordKey({ domain: 'test', agent: 'a', callId: '2' });
      const args = settleArguments('settler', used, said, MAX_ENTRIES);
      await redis.connection.run('settle', [key, ledgerKey('test')], args);
      assert.deepEqual(await setOff('threshold'), [
        ['a', 't', 'search', 'run 1'],
        ['a', 't', 'search', 'run 2'],
      ]);
    });

    test('a halt by a rule; none has set off that of a person', async () => {
      const text = formatHaltText({ rule: 'r', why: 'too many' });
      const halting = { limit: 1, kind: 'halt', halt: { forUs: 0, text } } as const;
      await ask('1', halting);
      await ask('2', halting);
      assert.deepEqual(await setOff('halted'), [['a', 't', 'search', 'run 2']]);
      await ordersOf(redis.connection, 'test', MAX_ENTRIES).halt('b', 'ana', 'why', 0);
      assert.deepEqual(await setOff('halted'), [
        ['a', 't', 'search', 'run 2'],
        ['b', '', '', ''],
      ]);
    });
  });
}
