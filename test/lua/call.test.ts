import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { type Answer, parseAnswer } from '../../src/store/answer.js';
import { recordKey } from '../../src/store/keys.js';
import { type Question, questionArguments, questionKeys } from '../../src/store/question.js';
import { questionOf as aQuestion, LEDGER, MAX_ENTRIES, windowOf } from '../support/question.js';
import { ENGINES, type SimulatedRedis, startSimulated } from '../support/simulated.js';

const START_US = 1_790_000_000_000_000;
const SECOND = 1_000_000;
const LIMIT = 5;
const MONTH_US = 31 * 86_400 * SECOND;

/** What a plain reader of promise 3 would keep of one admitted call. */
interface Known {
  admittedUs: number;
  digest: string;
  /** Answered with ALLOW: the first, then one for each repeat. */
  attempts: string[];
}

type Operation =
  | { kind: 'ask'; id: number; digest: string }
  | { kind: 'resend'; id: number }
  | { kind: 'release'; id: number; own: boolean }
  | { kind: 'force'; id: number; digest: string }
  | { kind: 'wait'; seconds: number };

const id = fc.integer({ min: 0, max: 3 });
const digest = fc.oneof(
  { weight: 6, arbitrary: fc.constant('same') },
  { weight: 1, arbitrary: fc.constant('other') },
);
const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('ask' as const), id, digest }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('resend' as const), id }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('release' as const), id, own: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('force' as const), id, digest }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      seconds: fc.oneof(fc.integer({ min: 1, max: 70 }), fc.constantFrom(60, 61, 4_499, 4_501)),
    }),
  },
);

for (const { engine, skip } of ENGINES) {
  describe(`a call id on ${engine}`, { skip }, () => {
    let redis: SimulatedRedis;
    before(async () => {
      redis = await startSimulated(engine);
    });
    after(() => redis.close());
    const runs = (engine === 'redis' ? 200 : 40) * Number(process.env['TEST_RUNS'] ?? 1);

    const ask = async (question: Question, notAfterUs = START_US * 2): Promise<Answer> =>
      parseAnswer(
        await redis.connection.run(
          'authorize',
          questionKeys(question),
          questionArguments(question, notAfterUs, MAX_ENTRIES),
        ),
      );
    const release = async (callId: string, attempt: string): Promise<boolean> => {
      const key = recordKey({ domain: 'test', agent: 'a', callId });
      const [code] = await redis.connection.run(
        'withdraw',
        [key, LEDGER],
        [attempt, '', MAX_ENTRIES],
      );
      return code === 1;
    };

    async function play(operations: Operation[]): Promise<void> {
      await redis.setClock(START_US);
      await redis.flush();
      const known = new Map<number, Known>();
      let nowUs = START_US;
      let charged = 0;
      for (const [n, op] of operations.entries()) {
        if (op.kind === 'wait') {
          nowUs += op.seconds * SECOND;
          await redis.setClock(nowUs);
          for (const [key, call] of known)
            if (nowUs >= call.admittedUs + 4_500 * SECOND) known.delete(key);
          continue;
        }
        const call = known.get(op.id);
        const before = await redis.dump();
        let changes = true;
        if (op.kind === 'release') {
          const attempt = (op.own ? call?.attempts.at(-1) : undefined) ?? 'of another';
          const expected = call !== undefined && op.own && call.attempts.length === 1;
          assert.equal(await release(`${op.id}`, attempt), expected);
          changes = call !== undefined && op.own;
          if (changes) call?.attempts.pop();
          if (expected) {
            known.delete(op.id);
            charged -= 1;
          }
        } else {
          const forced = op.kind === 'force';
          const attempt = (op.kind === 'resend' ? call?.attempts[0] : undefined) ?? `${n}`;
          const asked = op.kind === 'resend' ? (call?.digest ?? 'same') : op.digest;
          const answer = await ask(questionOf(op.id, attempt, asked, forced ? 'force' : 'decide'));
          const expected = expectedCode(call, attempt, asked, forced, nowUs, charged);
          assert.equal(answer.code, expected);
          changes = false;
          if (expected === 'allowed') {
            known.set(op.id, { admittedUs: nowUs, digest: asked, attempts: [attempt] });
            charged += 1;
            changes = true;
          } else if (expected === 'repeated' && call && !call.attempts.includes(attempt)) {
            call.attempts.push(attempt);
            changes = true;
          }
          if (expected === 'repeated') {
            assert.equal(answer.repeats, (call?.attempts.length ?? 0) - 1);
          }
          assert.equal(answer.windows[0]?.used, charged, 'each id is charged once');
        }
        if (!changes)
          assert.deepEqual(await redis.dump(), before, `${op.kind} writes nothing here`);
      }
    }

    test('is charged once, whatever is repeated, resent, released or forced', async () => {
      await fc.assert(fc.asyncProperty(fc.array(operation, { maxLength: 60 }), play), {
        numRuns: runs,
      });
    });

    test('a constant call id does not make calls free', async () => {
      await redis.setClock(START_US);
      await redis.flush();
      const codes = new Map<string, number>();
      for (let n = 0; n < 100; n += 1) {
        const { code } = await ask(questionOf(0, `${n}`, 'same', 'decide'));
        codes.set(code, (codes.get(code) ?? 0) + 1);
      }
      assert.deepEqual(Object.fromEntries(codes), { allowed: 1, repeated: 8, finished: 91 });
    });

    test('when every attempt at an id was lost, releasing them all gives the call back', async () => {
      await redis.setClock(START_US);
      await redis.flush();
      for (const attempt of ['a', 'b', 'c']) await ask(questionOf(0, attempt, 'same', 'decide'));
      assert.equal(await release('0', 'b'), false);
      assert.equal(await release('0', 'a'), false, 'c may have been heard');
      assert.equal(await release('0', 'a'), false, 'and a repeated release changes nothing');
      assert.equal(await release('0', 'c'), true);
      const next = await ask(questionOf(0, 'd', 'same', 'decide'));
      assert.deepEqual([next.code, next.windows[0]?.used], ['allowed', 1]);
    });

    test('an admission that went ahead by force is not given back by an older attempt', async () => {
      await redis.setClock(START_US);
      await redis.flush();
      await ask(questionOf(0, 'lost', 'same', 'decide'));
      assert.equal((await ask(questionOf(0, 'told', 'same', 'force'))).code, 'repeated');
      assert.equal(await release('0', 'lost'), false);
      assert.equal((await ask(questionOf(1, 'x', 'same', 'decide'))).windows[0]?.used, 2);
    });

    test('a script that runs after not_after reads and writes nothing', async () => {
      await redis.setClock(START_US);
      await redis.flush();
      const question = questionOf(0, 'late', 'same', 'decide');
      assert.equal((await ask(question, START_US - 1)).code, 'late');
      assert.deepEqual(await redis.dump(), {});
      assert.equal((await ask(question, START_US)).code, 'allowed');
    });

    test('a release after the window has moved on takes nothing from younger calls', async () => {
      await redis.setClock(START_US);
      await redis.flush();
      const inMinute = (callId: number, attempt: string) =>
        ask(questionOf(callId, attempt, 'same', 'decide', 60 * SECOND));
      await inMinute(0, 'old');
      await redis.setClock(START_US + 30 * SECOND);
      await inMinute(1, 'middle');
      await redis.setClock(START_US + 70 * SECOND);
      assert.equal((await inMinute(2, 'young')).windows[0]?.used, 2);
      assert.equal(await release('0', 'old'), true);
      assert.equal((await inMinute(3, 'next')).windows[0]?.used, 3, 'the old one had left already');
      assert.equal(await release('1', 'middle'), true);
      assert.equal(
        (await inMinute(4, 'last')).windows[0]?.used,
        3,
        'the middle one was given back',
      );
    });
  });
}

function expectedCode(
  call: Known | undefined,
  attempt: string,
  asked: string,
  forced: boolean,
  nowUs: number,
  charged: number,
): Answer['code'] {
  if (!call) return forced || charged < LIMIT ? 'allowed' : 'denied';
  if (call.digest !== asked) return 'mismatched';
  if (call.attempts.includes(attempt)) return 'repeated';
  if (nowUs <= call.admittedUs + 60 * SECOND && call.attempts.length <= 8) return 'repeated';
  // What went ahead under a finished id is charged, as a call of its own.
  return forced ? 'allowed' : 'finished';
}

/** A month, unless told: nothing leaves the window in the course of a play but what is withdrawn. */
function questionOf(
  callId: number,
  attempt: string,
  asked: string,
  mode: Question['mode'],
  windowUs = MONTH_US,
): Question {
  return aQuestion({
    callId: `${callId}`,
    attempt,
    digest: asked,
    mode,
    windows: [windowOf({ limit: LIMIT, span: { windowUs } })],
  });
}
