import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { type Answer, parseAnswer } from '../../src/store/answer.js';
import { recordKey } from '../../src/store/keys.js';
import {
  type Question,
  questionArguments,
  questionKeys,
  sliceUs,
  type WindowQuestion,
} from '../../src/store/question.js';
import {
  questionOf as aQuestion,
  windowOf as aWindow,
  LEDGER,
  MAX_ENTRIES,
} from '../support/question.js';
import { Reference, SliceReference } from '../support/reference.js';
import { ENGINES, type SimulatedRedis, startSimulated } from '../support/simulated.js';

const START_US = 1_790_000_000_000_000;
const SECOND = 1_000_000;
const DAY = 86_400 * SECOND;
const FAR = START_US * 2;

interface RuleCase {
  windowUs: number;
  limit: number;
}
interface Step {
  /** As a share of the first rule's window. */
  gap: number;
  /** Shares of each rule's limit. */
  amounts: number[];
  /** A jump of the Redis clock against true time, in µs. */
  jumpUs: number;
}

const windowUs = fc.oneof(
  fc.integer({ min: SECOND, max: 90 * SECOND }),
  fc.integer({ min: 90 * SECOND, max: 31 * DAY }),
  fc.constantFrom(SECOND, 60 * SECOND, DAY, 31 * DAY),
);
const rule = fc.record({ windowUs, limit: fc.integer({ min: 1, max: 2_000 }) });
const gap = fc.oneof(
  fc.constant(0),
  fc.double({ min: 0, max: 0.02, noNaN: true }),
  fc.double({ min: 0, max: 0.3, noNaN: true }),
  fc.double({ min: 0.9, max: 1.1, noNaN: true }),
);
const share = fc.oneof(
  fc.double({ min: 0, max: 0.2, noNaN: true }),
  fc.double({ min: 0, max: 1.1, noNaN: true }),
);
const steps = (jumpUs: fc.Arbitrary<number>): fc.Arbitrary<Step[]> =>
  fc.array(fc.record({ gap, amounts: fc.array(share, { minLength: 3, maxLength: 3 }), jumpUs }), {
    minLength: 1,
    maxLength: 40,
  });
const noJump = fc.constant(0);
const someJump = fc.oneof(
  { weight: 5, arbitrary: noJump },
  { weight: 1, arbitrary: fc.integer({ min: -5 * SECOND, max: 5 * SECOND }) },
);

for (const { engine, skip } of ENGINES) {
  describe(`a sliding window on ${engine}`, { skip }, () => {
    let redis: SimulatedRedis;
    before(async () => {
      redis = await startSimulated(engine);
    });
    after(() => redis.close());
    const runs = (engine === 'redis' ? 150 : 25) * Number(process.env['TEST_RUNS'] ?? 1);

    const ask = async (script: 'authorize' | 'inspect', question: Question): Promise<Answer> =>
      parseAnswer(
        await redis.connection.run(
          script,
          questionKeys(question),
          questionArguments(question, FAR, MAX_ENTRIES),
        ),
      );

    /** Plays the steps against both references; every promise of a window is asserted on the way. */
    async function play(rules: RuleCase[], plan: Step[]): Promise<void> {
      await redis.setClock(START_US);
      await redis.flush();
      const truth = rules.map(() => new Reference());
      const slices = rules.map(({ windowUs: length }) => new SliceReference(sliceUs(length)));
      let trueUs = START_US;
      let jumpedUs = 0;
      let forwardUs = 0;
      let backwardUs = 0;
      for (const [n, step] of plan.entries()) {
        trueUs += Math.floor(step.gap * (rules[0]?.windowUs ?? 0));
        jumpedUs += step.jumpUs;
        forwardUs += Math.max(0, step.jumpUs);
        backwardUs += Math.max(0, -step.jumpUs);
        const clockUs = trueUs + jumpedUs;
        await redis.setClock(clockUs);
        const amounts = rules.map(({ limit }, i) => Math.floor((step.amounts[i] ?? 0) * limit));
        const question = questionOf(rules, amounts, `call-${n}`);
        const before = await redis.dump();
        const foretold = await ask('inspect', reversed(question));
        assert.deepEqual(await redis.dump(), before, 'inspect writes nothing');
        const answer = await ask('authorize', question);
        assert.deepEqual(reversedWindows(foretold), answer.windows, 'rule order does not matter');
        assert.equal(foretold.code, answer.code);

        for (const [i, { windowUs: length, limit }] of rules.entries()) {
          const window = answer.windows[i];
          const amount = amounts[i] ?? 0;
          assert.ok(window);
          if (answer.code === 'allowed') {
            const used = truth[i]?.used(trueUs, length - forwardUs) ?? 0;
            assert.ok(
              used + amount <= limit,
              `true window over the limit: ${used} + ${amount} > ${limit}`,
            );
            truth[i]?.admit(trueUs, amount);
            slices[i]?.admit(clockUs, amount);
          } else if (window.denied) {
            const early = length + sliceUs(length) + 60 + forwardUs + backwardUs;
            const used = truth[i]?.used(trueUs, early) ?? 0;
            assert.ok(used + amount > limit, 'a denial is at most one slice early');
          }
          if (forwardUs + backwardUs > 0) continue;
          assert.equal(
            window.used,
            slices[i]?.used(clockUs),
            'used is the sum of the slices that count',
          );
        }
        if (answer.code !== 'allowed') {
          assert.ok(answer.windows.some(({ denied }) => denied));
          assert.deepEqual(await redis.dump(), before, 'a denial changes no key, no sum, no TTL');
        }
      }
      await checkRetryAfter(rules, trueUs + jumpedUs);
    }

    /** Asks for each rule's whole limit: denied, it passes after retry_after and not before. */
    async function checkRetryAfter(rules: RuleCase[], clockUs: number): Promise<void> {
      const question = questionOf(
        rules,
        rules.map(({ limit }) => limit),
        'last',
      );
      const { code, windows } = await ask('inspect', question);
      if (code === 'allowed') return;
      const retryUs = Math.max(...windows.map(({ retryAfterUs }) => retryAfterUs ?? 0));
      assert.ok(retryUs > 0);
      await redis.setClock(clockUs + retryUs - 1);
      assert.equal((await ask('inspect', question)).code, 'denied', 'one microsecond too soon');
      await redis.setClock(clockUs + retryUs);
      assert.equal((await ask('inspect', question)).code, 'allowed', 'passes at retry_after');
    }

    test('no true window passes its limit, and a denial is at most a slice early', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(rule, { minLength: 1, maxLength: 3 }), steps(noJump), play),
        { numRuns: runs },
      );
    });

    test('clock steps of up to 5 s free at most their length early, or delay by it', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(rule, { minLength: 1, maxLength: 2 }), steps(someJump), play),
        { numRuns: runs },
      );
    });

    test('after the clock has stepped back, what is charged counts as long as what was charged last', async () => {
      await redis.setClock(START_US + 10 * SECOND);
      await redis.flush();
      const minute = { windowUs: 60 * SECOND, limit: 10 };
      await ask('authorize', questionOf([minute], [1], 'before'));
      await redis.setClock(START_US + 5 * SECOND);
      await ask('authorize', questionOf([minute], [1], 'back'));
      await redis.setClock(START_US + 67 * SECOND);
      const seen = await ask('inspect', questionOf([minute], [0], 'then'));
      assert.equal(seen.windows[0]?.used, 2, 'the first was charged 57 s ago');
    });

    test('two shapes of a rule during a rolling reload each keep their own limit', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.tuple(rule, rule),
          fc.array(fc.record({ gap, shape: fc.boolean(), amount: share }), { maxLength: 40 }),
          async (shapes, plan) => {
            await redis.setClock(START_US);
            await redis.flush();
            const truth = [new Reference(), new Reference()] as const;
            let nowUs = START_US;
            for (const [n, step] of plan.entries()) {
              const which = step.shape ? 1 : 0;
              const { windowUs: length, limit } = shapes[which];
              nowUs += Math.floor(step.gap * length);
              await redis.setClock(nowUs);
              const amount = Math.floor(step.amount * limit);
              const question = questionOf([shapes[which]], [amount], `call-${n}`, `shape-${which}`);
              if ((await ask('authorize', question)).code !== 'allowed') continue;
              assert.ok(truth[which].used(nowUs, length) + amount <= limit);
              truth[which].admit(nowUs, amount);
            }
          },
        ),
        { numRuns: Math.ceil(runs / 3) },
      );
    });

    test('a window of the largest limit saturates and never wraps', async () => {
      const most = 9_000_000_000_000_000;
      await redis.setClock(START_US);
      await redis.flush();
      const alert = (amount: number, id: string) =>
        ask('authorize', {
          ...questionOf([{ windowUs: SECOND, limit: most }], [amount], id),
          windows: [{ ...windowOf({ windowUs: SECOND, limit: most }, 0, 's'), kind: 'alert' }],
        });
      assert.equal((await alert(most - 1, 'a')).windows[0]?.used, most - 1);
      assert.equal((await alert(most, 'b')).windows[0]?.used, most);
      assert.equal((await alert(most, 'c')).windows[0]?.used, most);
      const block = questionOf([{ windowUs: SECOND, limit: most }], [1], 'd', 's');
      assert.equal((await ask('authorize', block)).code, 'denied');
      await redis.setClock(START_US + 2 * SECOND);
      assert.equal((await ask('authorize', block)).windows[0]?.used, 1);
    });

    test('the memory of a window is bounded by its 61 slices', async () => {
      await redis.setClock(START_US);
      await redis.flush();
      for (let n = 0; n < 300; n += 1) {
        await redis.setClock(START_US + n * SECOND);
        await ask(
          'authorize',
          questionOf([{ windowUs: 60 * SECOND, limit: 1e6 }], [1], `call-${n}`),
        );
      }
      const [, , , key = ''] = questionKeys(
        questionOf([{ windowUs: 60 * SECOND, limit: 1e6 }], [1], 'x'),
      );
      const bytes = Number(await redis.connection.command('STRLEN', key));
      assert.equal(bytes, 3 + 8 + 61 * 16);
    });

    test('a shadow rule reports what block would: it is not charged what it would have denied', async () => {
      await redis.setClock(START_US);
      await redis.flush();
      const both = (n: number): Question => ({
        ...questionOf([], [1, 1], `call-${n}`),
        windows: [
          { ...windowOf({ windowUs: SECOND, limit: 3 }, 0, 's'), kind: 'shadow' },
          { ...windowOf({ windowUs: SECOND, limit: 3 }, 1, 's'), kind: 'alert' },
        ],
      });
      const answers = [];
      for (let n = 0; n < 5; n += 1) answers.push(await ask('authorize', both(n)));
      assert.deepEqual(
        answers.map(({ code }) => code),
        Array(5).fill('allowed'),
      );
      assert.deepEqual(
        answers.map(({ windows }) => windows[0]?.shadowDenied),
        [false, false, false, true, true],
      );
      assert.deepEqual(
        answers.map(({ windows }) => windows[0]?.used),
        [1, 2, 3, 3, 3],
      );
      assert.deepEqual(
        answers.map(({ windows }) => windows[1]?.used),
        [1, 2, 3, 4, 5],
      );
    });

    test('a threshold is raised once, and again only below it and a window later', async () => {
      await redis.setClock(START_US);
      await redis.flush();
      let call = 0;
      const raised = async (afterUs: number, amount: number) => {
        await redis.setClock(START_US + afterUs);
        call += 1;
        const answer = await ask('authorize', {
          ...questionOf([], [amount], `call-${call}`),
          windows: [
            {
              ...windowOf({ windowUs: 60 * SECOND, limit: 100 }, 0, 's'),
              thresholds: [50, 80, 100],
            },
          ],
        });
        return answer.windows[0]?.raised;
      };
      assert.equal(await raised(0, 49), 0b000);
      assert.equal(await raised(1 * SECOND, 1), 0b001, 'half');
      assert.equal(await raised(2 * SECOND, 10), 0b000, 'half is raised already');
      assert.equal(await raised(3 * SECOND, 40), 0b110, 'two at once');
      assert.equal(
        await raised(4 * SECOND, 1),
        0b000,
        'a denial counts as the whole, raised already',
      );
      assert.equal(
        await raised(62 * SECOND, 30),
        0b000,
        'fell below, but the window has not passed',
      );
      assert.equal(
        await raised(70 * SECOND, 30),
        0b001,
        'half again: below it, and a window later',
      );
      assert.equal(
        await raised(71 * SECOND, 1_000),
        0b110,
        'a denial counts as the whole, and is not stored',
      );
      assert.equal(await raised(72 * SECOND, 1_000), 0b110, 'so the next one says it again');
    });

    test('a threshold that the policy has changed is armed; a resent attempt says again what it raised', async () => {
      await redis.setClock(START_US);
      await redis.flush();
      const spend = async (call: string, amount: number, thresholds: number[]) => {
        const { windows } = await ask('authorize', {
          ...questionOf([], [amount], call),
          windows: [{ ...windowOf({ windowUs: 60 * SECOND, limit: 100 }, 0, 's'), thresholds }],
        });
        return windows[0]?.raised;
      };
      assert.equal(await spend('a', 50, [50]), 0b1);
      assert.equal(await spend('a', 50, [50]), 0b1, 'the reply was lost, so it is said again');
      assert.equal(await spend('b', 10, [50]), 0b0);
      assert.equal(await spend('c', 35, [50, 90]), 0b10, 'the new one only');
      assert.equal(await spend('d', 1, [90]), 0b0);
      assert.equal(await spend('e', 1, [50, 90]), 0b00, 'and the old one is not forgotten');
    });

    test('shares of a small limit that are one amount are all raised', async () => {
      await redis.setClock(START_US);
      await redis.flush();
      const { windows } = await ask('authorize', {
        ...questionOf([], [1], 'only'),
        windows: [
          {
            ...windowOf({ windowUs: 60 * SECOND, limit: 1 }, 0, 's'),
            thresholds: [1, 1],
          },
        ],
      });
      assert.equal(windows[0]?.raised, 0b11);
    });

    test('a release re-arms what only the call that it takes back had raised', async () => {
      await redis.setClock(START_US);
      await redis.flush();
      const question = (call: string, amount: number): Question => ({
        ...questionOf([], [amount], call),
        windows: [
          {
            ...windowOf({ windowUs: 60 * SECOND, limit: 100 }, 0, 's'),
            thresholds: [10, 50],
          },
        ],
      });
      assert.equal((await ask('authorize', question('first', 20))).windows[0]?.raised, 0b01);
      await redis.setClock(START_US + SECOND);
      assert.equal((await ask('authorize', question('lost', 40))).windows[0]?.raised, 0b10);
      const record = recordKey(question('lost', 40));
      assert.deepEqual(
        await redis.connection.run(
          'withdraw',
          [record, LEDGER],
          ['attempt of lost', 'facts', MAX_ENTRIES],
        ),
        [1],
      );
      assert.equal((await ask('authorize', question('next', 40))).windows[0]?.raised, 0b10);
    });
  });
}

/** What each rule counts, so that every one has an amount of its own. */
const METRIC_OF = ['estimated_cost_usd', 'tokens_in', 'tokens_out'] as const;

function windowOf({ windowUs: length, limit }: RuleCase, i: number, shape: string): WindowQuestion {
  return aWindow({
    rule: `rule-${i}`,
    shape,
    metric: METRIC_OF[i] ?? 'calls',
    limit,
    span: { windowUs: length },
  });
}

/** @param amounts of cost, tokens in and tokens out, for the rules in turn */
function questionOf(
  rules: RuleCase[],
  [costNano = 0, tokensIn = 0, tokensOut = 0]: number[],
  callId: string,
  shape = 'shape',
): Question {
  return aQuestion({
    callId,
    amounts: { costNano, costSource: 'caller', tokensIn, tokensOut },
    windows: rules.map((r, i) => windowOf(r, i, shape)),
  });
}

function reversed(question: Question): Question {
  return { ...question, windows: question.windows.toReversed() };
}

function reversedWindows(answer: Answer): Answer['windows'] {
  return answer.windows.toReversed();
}
