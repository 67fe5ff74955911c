import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ScriptName } from '../../src/redis/scripts.js';
import { failureFrom } from '../../src/store/answer.js';
import { OLDEST_FORMAT } from '../../src/store/fleet-format.js';
import { ordersKey, recordKey } from '../../src/store/keys.js';
import { questionArguments, questionKeys } from '../../src/store/question.js';
import { settleArguments } from '../../src/store/settlement.js';
import { LEDGER, MAX_ENTRIES, questionOf, UNSAID, windowOf } from '../support/question.js';
import { NO_REDIS } from '../support/redis.js';
import { type SimulatedRedis, startSimulated } from '../support/simulated.js';

const START_US = 1_750_000_000_000_000;
const KEY = recordKey({ domain: 'test', agent: 'a', callId: '0' });

/** The first that this version does not read. */
const FAR = OLDEST_FORMAT + 2;

/** Sets the first byte that `what` has of a value: a format that no version has yet. */
const AS_OF_LATER = `local raw = redis.call('GET', KEYS[1])
redis.call('SET', KEYS[1], string.char(${FAR}) .. string.sub(raw, 2))`;

/** In the record of a call the last window counts what this version does not know. */
const OF_LATER_METRIC = `local values = { cmsgpack.unpack(redis.call('GET', KEYS[1])) }
values[#values - 6] = 77
redis.call('SET', KEYS[1], cmsgpack.pack(unpack(values)))`;

const money = windowOf({ rule: 'money', metric: 'estimated_cost_usd', limit: 1_000 });
const question = questionOf({
  callId: '0',
  amounts: { costNano: 10, costSource: 'caller', tokensIn: 0, tokensOut: 0 },
  // Two whose settlement changes them: the first must not be written when the second cannot be read.
  windows: [windowOf(), money, { ...money, rule: 'more-money' }],
});
const other = { ...question, callId: '1', attempt: 'other' };
const used = { costNano: 4, costSource: 'caller', tokensIn: 0, tokensOut: 0 } as const;

// The embedded engine keeps nothing that another version could meet.
describe('what a far later version keeps', { skip: NO_REDIS }, () => {
  let redis: SimulatedRedis;
  before(async () => {
    redis = await startSimulated('redis');
  });
  after(() => redis.close());

  const args = (of = question) => questionArguments(of, START_US * 2, MAX_ENTRIES);
  const settling = settleArguments('s', used, UNSAID, MAX_ENTRIES);
  const scripts: readonly (readonly [ScriptName, string[], (string | number)[]])[] = [
    ['authorize', questionKeys(question), args()],
    ['settle', [KEY, LEDGER], settling],
    ['release', [KEY, LEDGER], [MAX_ENTRIES]],
    ['withdraw', [KEY, LEDGER], [question.attempt, 'facts', MAX_ENTRIES]],
  ];

  for (const [what, key] of [
    ['record', KEY],
    ['last window', questionKeys(question).at(-1) ?? ''],
  ] as const) {
    test(`a ${what} of it: each script says so and changes nothing`, async () => {
      await redis.setClock(START_US);
      await redis.flush();
      await redis.connection.run('authorize', questionKeys(question), args());
      await redis.connection.command('EVAL', '', AS_OF_LATER, 1, key);
      const before = await redis.dump();
      const entries = await redis.ledger();
      const asked =
        what === 'record'
          ? scripts
          : [...scripts, ['authorize', questionKeys(other), args(other)] as const];
      for (const [script, keys, given] of asked) {
        const error = await redis.connection.run(script, keys, given).then(
          () => assert.fail(`${script} has read it`),
          (e: unknown) => e,
        );
        assert.match(
          String(error),
          /NEWER than this version of Tollgate: kept in format 3, and it reads up to 2/,
          script,
        );
        assert.deepEqual(failureFrom(error), { failed: 'newer', mayHaveRun: false }, script);
      }
      assert.deepEqual(await redis.dump(), before);
      assert.deepEqual(await redis.ledger(), entries);
      assert.equal(await redis.connection.command('EXISTS', ordersKey('test')), 0);
    });
  }

  test('what is new is kept in the format that the fleet writes', async () => {
    await redis.setClock(START_US);
    await redis.flush();
    const format = OLDEST_FORMAT + 1;
    await redis.connection.run(
      'authorize',
      questionKeys(question),
      questionArguments(question, START_US * 2, MAX_ENTRIES, format),
    );
    const unheld = recordKey({ domain: 'test', agent: 'a', callId: 'unheld' });
    await redis.connection.run('unheld', [unheld, LEDGER], [...settling, 'facts', format]);
    for (const key of [KEY, unheld, ...questionKeys(question).slice(3)]) {
      const raw = (await redis.connection.bytes('GET', key)) as Buffer;
      assert.equal(raw[0], format, key);
    }
  });

  test('a window of a metric that a later version has is left as it is', async () => {
    await redis.setClock(START_US);
    await redis.flush();
    await redis.connection.run('authorize', questionKeys(question), args());
    await redis.connection.command('EVAL', '', OF_LATER_METRIC, 1, KEY);
    const windows = questionKeys(question).slice(3);
    const sums = () => Promise.all(windows.map(async (key) => redis.connection.bytes('GET', key)));
    const before = await sums();
    await redis.connection.run('release', [KEY, LEDGER], [MAX_ENTRIES]);
    await redis.connection.run('settle', [KEY, LEDGER], settling);
    const after = await sums();
    assert.deepEqual(after[2], before[2]);
    assert.notDeepEqual(after[1], before[1]);
  });
});
