import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { type Amounts, type Metric, NOTHING } from '../../src/model/amounts.js';
import type { Span } from '../../src/model/span.js';
import { addSums, noSums, postingOf } from '../../src/model/spend.js';
import { type Answer, parseAnswer } from '../../src/store/answer.js';
import { OLDEST_FORMAT } from '../../src/store/fleet-format.js';
import { foldKey, openKeys, recordKey } from '../../src/store/keys.js';
import {
  type Question,
  questionArguments,
  questionKeys,
  sliceUs,
  type WindowQuestion,
} from '../../src/store/question.js';
import {
  parseReleased,
  parseSettled,
  type Released,
  type Settled,
  settleArguments,
  type Used,
} from '../../src/store/settlement.js';
import { LEDGER, MAX_ENTRIES, questionOf, UNSAID, windowOf } from '../support/question.js';
import { NO_REDIS } from '../support/redis.js';
import { ENGINES, type SimulatedRedis, startSimulated } from '../support/simulated.js';
import { startTwoVersions } from '../support/two-versions.js';

const SECOND = 1_000_000;
const DAY = 86_400 * SECOND;
/** The start of a day in UTC. */
const START_US = 20_700 * DAY;
const HOLD_US = 900 * SECOND;
const SETTLE_US = 3_600 * SECOND;

/** Two policies: one slides over minutes and hours, the other counts days; limits that bite. */
const POLICIES: readonly (readonly { metric: Metric; limit: number; window: number | 'day' }[])[] =
  [
    [
      { metric: 'calls', limit: 12, window: 60 },
      { metric: 'estimated_cost_usd', limit: 300, window: 3_600 },
      { metric: 'tokens', limit: 500, window: 120 },
    ],
    [
      { metric: 'tokens_out', limit: 400, window: 'day' },
      { metric: 'estimated_cost_usd', limit: 500, window: 'day' },
      { metric: 'tokens_in', limit: 400, window: 86_400 },
    ],
  ];

/** What one call has in one window: which slice has how much of it. */
interface Share {
  readonly window: string;
  readonly span: Span;
  readonly metric: Metric;
  readonly slice: number;
  inHold: number;
  over: { slice: number; amount: number } | undefined;
}

/** A call as a plain reader of the promises would keep it. */
interface Known {
  state: 'held' | 'final' | 'settled' | 'released' | 'unheld' | 'unauthorized';
  readonly admittedUs: number;
  attempts: string[];
  held: Amounts;
  settled: Amounts;
  settledUs: number;
  endsUs: number;
  shares: Share[];
}

type Operation =
  | { kind: 'authorize'; id: number; policy: number; amounts: Amounts; final: boolean }
  | { kind: 'force' | 'claim'; id: number; policy: number; amounts: Amounts }
  | { kind: 'settle'; id: number; used: Used }
  | { kind: 'release'; id: number }
  | { kind: 'withdraw'; id: number }
  | { kind: 'wait'; seconds: number };

const id = fc.integer({ min: 0, max: 5 });
const policy = fc.integer({ min: 0, max: 1 });
const amount = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 120 }));
const amounts: fc.Arbitrary<Amounts> = fc.record(
  {
    costNano: amount,
    costSource: fc.constant('table' as const),
    tokensIn: amount,
    tokensOut: amount,
  },
  { noNullPrototype: true },
);
const perhaps = fc.option(fc.integer({ min: 0, max: 250 }), { nil: undefined });
const used: fc.Arbitrary<Used> = fc.record({
  costNano: perhaps,
  costSource: fc.constantFrom('caller' as const, 'held' as const),
  tokensIn: perhaps,
  tokensOut: perhaps,
});
const of = <K extends string>(kind: K) => fc.constant(kind);
const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: of('authorize'),
      id,
      policy,
      amounts,
      final: fc.oneof({ weight: 5, arbitrary: of('') }, of('final')).map((f) => f === 'final'),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: of('settle'), id, used }) },
  { weight: 3, arbitrary: fc.record({ kind: of('release'), id }) },
  { weight: 1, arbitrary: fc.record({ kind: of('withdraw'), id }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('force' as const, 'claim' as const),
      id,
      policy,
      amounts,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: of('wait'),
      seconds: fc.oneof(
        fc.integer({ min: 1, max: 65 }),
        fc.integer({ min: 60, max: 4_000 }),
        fc.constantFrom(900, 901, 4_500, 86_400),
      ),
    }),
  },
);

const SIDES = [
  ...ENGINES.map((one) => ({ ...one, on: `on ${one.engine}`, start: startSimulated })),
  { engine: 'redis', skip: NO_REDIS, on: 'decided by two versions', start: startTwoVersions },
] as const;

for (const { engine, skip, on, start } of SIDES) {
  describe(`the life of a call ${on}`, { skip }, () => {
    let redis: SimulatedRedis;
    before(async () => {
      redis = await start(engine);
    });
    after(() => redis.close());
    const runs = (engine === 'redis' ? 250 : 40) * Number(process.env['TEST_RUNS'] ?? 1);

    const ask = async (question: Question): Promise<Answer> =>
      parseAnswer(
        await redis.connection.run(
          'authorize',
          questionKeys(question),
          questionArguments(question, START_US * 2, MAX_ENTRIES),
        ),
      );
    const keyOf = (callId: number, agent = 'a') =>
      recordKey({ domain: 'test', agent, callId: `${callId}` });
    let settlers = 0;
    const settle = async (
      key: string,
      what: Used,
      settler = `settler ${settlers++}`,
    ): Promise<Settled> => {
      const args = settleArguments(settler, what, UNSAID, MAX_ENTRIES);
      const settled = parseSettled(await redis.connection.run('settle', [key, LEDGER], args));
      // As a sidecar does with a call that Redis does not know.
      if (settled.settledAtUs === 0)
        await redis.connection.run('unheld', [key, LEDGER], [...args, 'facts', OLDEST_FORMAT]);
      return settled;
    };
    const release = async (key: string): Promise<Released> =>
      parseReleased(await redis.connection.run('release', [key, LEDGER], [MAX_ENTRIES]));
    const withdraw = (key: string, attempt: string) =>
      redis.connection.run('withdraw', [key, LEDGER], [attempt, 'facts', MAX_ENTRIES]);
    /** What every window holds now; asked so that it is denied, and so changes nothing. */
    const sums = async (which: number, nowUs: number): Promise<(number | undefined)[]> => {
      const probe = questionOf({ callId: 'probe', mode: 'deny', windows: windowsOf(which, nowUs) });
      return (await ask(probe)).windows.map((window) => window.used);
    };

    async function play(operations: Operation[]): Promise<void> {
      await redis.setClock(START_US);
      await redis.flush();
      const known = new Map<number, Known>();
      /** What calls that are forgotten have left in the windows. */
      const left: Share[] = [];
      let nowUs = START_US;
      /** What the ledger must add up to: every call once, at what it was settled. */
      const spent = { calls: 0, costNano: 0, tokensIn: 0, tokensOut: 0 };
      const spend = ({ costNano, tokensIn, tokensOut }: Amounts, times = 1) => {
        spent.calls += times;
        spent.costNano += costNano * times;
        spent.tokensIn += tokensIn * times;
        spent.tokensOut += tokensOut * times;
      };
      const shares = () => [...left, ...[...known.values()].flatMap((call) => call.shares)];
      const forget = () => {
        for (const [callId, call] of known) {
          if (nowUs < call.endsUs) continue;
          left.push(...call.shares);
          known.delete(callId);
        }
      };

      for (const [n, op] of operations.entries()) {
        if (op.kind === 'wait') {
          nowUs += op.seconds * SECOND;
          await redis.setClock(nowUs);
          forget();
          continue;
        }
        const call = known.get(op.id);
        const at = `operation ${n}, ${JSON.stringify(op)}`;
        if (op.kind === 'settle') {
          const answer = await settle(keyOf(op.id), op.used);
          const expected = settleReference(call, op.used, nowUs);
          if (!call) known.set(op.id, expected.call);
          if (!expected.repeat) spend(expected.call.settled);
          const { state, repeat, late, settled, held, settledAtUs } = answer;
          assert.deepEqual(
            { state, repeat, late, settled, held, settledAtUs },
            {
              state: expected.call.state === 'final' ? 'settled' : expected.call.state,
              repeat: expected.repeat,
              late: expected.late,
              settled: expected.call.settled,
              held: expected.call.held,
              settledAtUs: call ? expected.call.settledUs : 0,
            },
            at,
          );
        } else if (op.kind === 'release') {
          const answer = await release(keyOf(op.id));
          const expected = releaseReference(call);
          assert.deepEqual({ state: answer.state, repeat: answer.repeat }, expected, at);
        } else if (op.kind === 'withdraw') {
          await withdraw(keyOf(op.id), call?.attempts.at(-1) ?? 'nobody');
          if (call && call.attempts.length > 0) {
            call.attempts.pop();
            const wentAhead = call.state === 'settled' || call.state === 'unauthorized';
            if (call.attempts.length === 0 && !wentAhead) {
              known.delete(op.id);
              if (call.state === 'final') spend(call.settled, -1);
            }
          }
        } else {
          const mode = op.kind === 'authorize' ? 'decide' : op.kind;
          const final = op.kind === 'authorize' && op.final;
          const question = questionOf({
            callId: `${op.id}`,
            attempt: `${n}`,
            digest: 'same',
            mode,
            final,
            amounts: op.amounts,
            windows: windowsOf(op.policy, nowUs),
            holdForUs: HOLD_US,
            settleForUs: SETTLE_US,
          });
          const answer = await ask(question);
          assert.equal(answer.code, expectedCode(call, question, nowUs, shares()), at);
          if (answer.code === 'allowed') {
            // The new call has the id; what the one before has in the windows stays there.
            if (call && call.state !== 'unheld') left.push(...call.shares);
            // Nobody can settle that one any more.
            if (call?.state === 'held') spend(call.held);
            const now = admitted(question, call, nowUs);
            known.set(op.id, now);
            if (now.state === 'final' || now.state === 'unauthorized') spend(now.settled);
          } else if (answer.code === 'repeated') {
            call?.attempts.push(`${n}`);
            assert.deepEqual(answer.held, call?.held, at);
          }
        }
        for (const which of POLICIES.keys()) {
          const windows = windowsOf(which, nowUs);
          const expected = windows.map((window) => sumOf(shares(), window, nowUs));
          assert.deepEqual(await sums(which, nowUs), expected, at);
        }
      }
      const posted = noSums();
      for (const entry of await redis.ledger()) {
        addSums(posted, postingOf(entry)?.sums ?? noSums());
      }
      const { calls, costNano, tokensIn, tokensOut } = posted;
      assert.deepEqual({ calls, costNano: Number(costNano), tokensIn, tokensOut }, spent);
    }

    test('windows hold what is settled and held, and the ledger adds up to it, in whichever order it comes', async () => {
      await fc.assert(fc.asyncProperty(fc.array(operation, { maxLength: 50 }), play), {
        numRuns: runs,
      });
    });

    test('settle and release end alike, whichever comes first', async () => {
      await fc.assert(
        fc.asyncProperty(amounts, used, fc.nat({ max: 200 }), async (held, what, waitS) => {
          const ends: Record<string, string>[] = [];
          for (const first of ['settle', 'release'] as const) {
            await redis.setClock(START_US);
            await redis.flush();
            await ask(questionOf({ callId: '0', amounts: held, windows: windowsOf(0, START_US) }));
            await redis.setClock(START_US + waitS * SECOND);
            if (first === 'release') await release(keyOf(0));
            await settle(keyOf(0), what);
            if (first === 'settle') await release(keyOf(0));
            const { [keyOf(0)]: _record, ...windows } = await redis.dump();
            ends.push(windows);
          }
          assert.deepEqual(ends[0], ends[1]);
        }),
        { numRuns: runs },
      );
    });

    test('nobody settles, releases or recalls the call of another agent', async () => {
      await redis.setClock(START_US);
      await redis.flush();
      const mine = { costNano: 100, costSource: 'table', tokensIn: 10, tokensOut: 10 } as const;
      await ask(questionOf({ callId: '0', amounts: mine, windows: windowsOf(0, START_US) }));
      const before = await sums(0, START_US);
      const free: Used = { costNano: 0, costSource: 'caller', tokensIn: 0, tokensOut: 0 };
      assert.equal((await release(keyOf(0, 'evil'))).state, 'unheld');
      assert.equal((await settle(keyOf(0, 'evil'), free)).state, 'unheld');
      assert.deepEqual(await sums(0, START_US), before);
      assert.equal((await settle(keyOf(0), free)).state, 'settled');
    });

    test('a call longer than its window: what it used over its hold counts from now on', async () => {
      await redis.setClock(START_US);
      await redis.flush();
      const window = windowOf({ metric: 'estimated_cost_usd', span: { windowUs: 60 * SECOND } });
      const held: Amounts = { ...NOTHING, costNano: 18, costSource: 'caller' };
      await ask(questionOf({ callId: '0', amounts: held, windows: [window] }));
      await redis.setClock(START_US + 120 * SECOND);
      const answer = await settle(keyOf(0), { ...AS_HELD, costNano: 50 });
      assert.deepEqual(answer.grown, [
        { rule: 'r', partition: 'p', usedAfter: 32, by: 32, limit: 1_000, raised: 0 },
      ]);
      const probe = questionOf({ callId: 'probe', mode: 'deny', windows: [window] });
      assert.equal((await ask(probe)).windows[0]?.used, 32);
      await redis.setClock(START_US + 182 * SECOND);
      assert.equal((await ask(probe)).windows[0]?.used, 0, 'a window later it has left');
    });

    test('what Redis has come to know is not recorded as unheld', async () => {
      await redis.setClock(START_US);
      await redis.flush();
      await ask(questionOf({ callId: '0' }));
      const before = await redis.dump();
      const reply = await redis.connection.run(
        'unheld',
        [keyOf(0), LEDGER],
        [...settleArguments('s', AS_HELD, UNSAID, MAX_ENTRIES), '', OLDEST_FORMAT],
      );
      assert.deepEqual(reply, [0]);
      assert.deepEqual(await redis.dump(), before);
    });

    /** What the ledger has been told, without ids and times. */
    const told = async () => (await redis.ledger()).map(({ id: _id, atMs: _at, ...rest }) => rest);

    test('a hold whose id is charged again by force runs out in the ledger', async () => {
      const held: Amounts = { ...NOTHING, costNano: 5, costSource: 'caller' };
      for (const ranOut of [false, true]) {
        await redis.setClock(START_US);
        await redis.flush();
        await ask(questionOf({ callId: '0', attempt: 'one', amounts: held }));
        await (ranOut ? runOutOf('0') : redis.setClock(START_US + 62 * SECOND));
        await ask(questionOf({ callId: '0', attempt: 'two', mode: 'force', amounts: held }));
        const kinds = (await told()).map(({ kind }) => kind);
        assert.deepEqual(kinds, ['authorized', 'ran_out', 'authorized'], `${ranOut}`);
        await settle(keyOf(0), { ...AS_HELD, costNano: 7 });
        const cost = (await redis.ledger()).map((entry) => postingOf(entry)?.sums.costNano ?? 0n);
        assert.deepEqual(cost, [0n, 5n, 0n, 7n], 'both calls count, each once');
      }
    });

    /** As a keeper does with a hold that has run out by the clock. */
    async function runOutOf(callId: string): Promise<void> {
      const { ends, calls } = openKeys('test');
      const record = recordKey({ domain: 'test', agent: 'a', callId });
      const text = `1 0 0 0 ${START_US + HOLD_US}\tnot the facts`;
      await redis.connection.command('HSET', calls, record, text);
      await redis.connection.command('ZADD', ends, (START_US + HOLD_US) / 1000, record);
      await redis.setClock(START_US + HOLD_US + SECOND);
      const keys = [LEDGER, foldKey('test'), ends, calls, record];
      await redis.connection.run('run_out', keys, [SETTLE_US, MAX_ENTRIES]);
    }

    test('a hold that runs out counts as its record says, and what ends it later takes that back once', async () => {
      const held: Amounts = { ...NOTHING, costNano: 5, costSource: 'caller' };
      const posted = async () =>
        (await redis.ledger()).map((entry) => postingOf(entry)?.sums.costNano ?? 0n);
      await redis.setClock(START_US);
      await redis.flush();
      await ask(questionOf({ callId: '0', amounts: held }));
      await runOutOf('0');
      const [, ended] = await redis.ledger();
      assert.ok(ended?.kind === 'ran_out');
      assert.deepEqual([ended.held, ended.facts.callId], [held, '0']);
      await release(keyOf(0));
      assert.deepEqual(await posted(), [0n, 5n, -5n], 'the release takes it back');
      await settle(keyOf(0), { ...AS_HELD, costNano: 7 });
      assert.deepEqual(await posted(), [0n, 5n, -5n, 7n], 'and the settlement not again');
      const settled = (await redis.ledger()).at(-1);
      assert.ok(settled?.kind === 'settled');
      assert.deepEqual([settled.returned, settled.ranOut, settled.late], [true, false, true]);
    });

    test('a hold that has not run out by its record stays open', async () => {
      await redis.setClock(START_US);
      await redis.flush();
      await ask(questionOf({ callId: '0', holdForUs: 2 * HOLD_US }));
      await runOutOf('0');
      const { ends } = openKeys('test');
      assert.equal(await redis.connection.command('ZCARD', ends), 1);
      assert.deepEqual(
        (await told()).map(({ kind }) => kind),
        ['authorized'],
      );
    });

    test('a call that was settled before it could be charged holds nothing', async () => {
      await redis.setClock(START_US);
      await redis.flush();
      await settle(keyOf(0), { ...AS_HELD, costNano: 7 });
      await ask(questionOf({ callId: '0', mode: 'force' }));
      const admitted = (await redis.ledger()).at(-1);
      assert.ok(admitted?.kind === 'authorized');
      assert.equal(admitted.holdUntilUs, 0);
    });

    test('an attempt that is withdrawn takes nothing back from a call that was settled', async () => {
      await redis.setClock(START_US);
      await redis.flush();
      const window = windowOf({ metric: 'estimated_cost_usd' });
      const held: Amounts = { ...NOTHING, costNano: 10, costSource: 'caller' };
      await ask(questionOf({ callId: '0', attempt: 'lost', amounts: held, windows: [window] }));
      await settle(keyOf(0), { ...AS_HELD, costNano: 7 });
      await withdraw(keyOf(0), 'lost');
      const probe = questionOf({ callId: 'probe', mode: 'deny', windows: [window] });
      assert.equal((await ask(probe)).windows[0]?.used, 7);
      assert.equal((await settle(keyOf(0), AS_HELD)).repeat, true);
    });

    test('a settlement that is told twice is no repeat, and says again what it has raised', async () => {
      await redis.setClock(START_US);
      await redis.flush();
      const window = windowOf({ metric: 'estimated_cost_usd', limit: 100, thresholds: [50] });
      const held: Amounts = { ...NOTHING, costNano: 10, costSource: 'caller' };
      const question = questionOf({ callId: '0', model: 'm', amounts: held, windows: [window] });
      await ask(question);
      const first = await settle(keyOf(0), { ...AS_HELD, costNano: 60 }, 'the one');
      assert.deepEqual([first.repeat, first.model, first.grown[0]?.raised], [false, 'm', 0b1]);
      assert.equal(first.facts, question.facts, 'as it was authorized');
      const again = await settle(keyOf(0), { ...AS_HELD, costNano: 60 }, 'the one');
      assert.deepEqual(again, { ...first, facts: '' }, 'a record that is over has no facts');
      const other = await settle(keyOf(0), { ...AS_HELD, costNano: 60 }, 'another');
      assert.deepEqual([other.repeat, other.grown], [true, []]);
    });

    test('a settlement days after its calendar window is charged once, and fails in no place', async () => {
      await redis.setClock(START_US);
      await redis.flush();
      const metric = 'estimated_cost_usd' as const;
      const windows = [
        windowOf({ rule: 'slides', metric }),
        windowOf({ rule: 'day', metric, span: spanOf('day', START_US) }),
      ];
      const held: Amounts = { ...NOTHING, costNano: 10, costSource: 'caller' };
      const longS = 30 * 86_400 * SECOND;
      await ask(questionOf({ callId: '0', amounts: held, windows, settleForUs: longS }));
      await redis.setClock(START_US + 5 * DAY);
      const settled = await settle(keyOf(0), { ...AS_HELD, costNano: 30 });
      assert.deepEqual(
        settled.grown.map(({ rule, usedAfter }) => [rule, usedAfter]),
        [
          ['slides', 30],
          ['day', 20],
        ],
      );
      await redis.setClock(START_US + 5 * DAY + SECOND);
      const probe = questionOf({ callId: 'probe', mode: 'deny', windows });
      assert.deepEqual(
        (await ask(probe)).windows.map((window) => window.used),
        [30, 20],
        'and it counts from then on',
      );
    });

    test('an overage raises what it reaches, and a full window stays full', async () => {
      await redis.setClock(START_US);
      await redis.flush();
      const window = windowOf({
        metric: 'estimated_cost_usd',
        limit: 100,
        thresholds: [50, 80, 100],
      });
      const held: Amounts = { ...NOTHING, costNano: 60, costSource: 'caller' };
      const first = await ask(questionOf({ callId: '0', amounts: held, windows: [window] }));
      assert.equal(first.windows[0]?.raised, 0b001);
      const answer = await settle(keyOf(0), { ...AS_HELD, costNano: 90 });
      assert.equal(answer.grown[0]?.raised, 0b010);
      await ask(questionOf({ callId: '1', amounts: { ...held, costNano: 1 }, windows: [window] }));
      const most = await settle(keyOf(1), { ...AS_HELD, costNano: 9e15 });
      assert.deepEqual([most.grown[0]?.usedAfter, most.grown[0]?.raised], [9e15, 0b100]);
    });
  });
}

const AS_HELD: Used = {
  costNano: undefined,
  costSource: 'held',
  tokensIn: undefined,
  tokensOut: undefined,
};

function spanOf(window: number | 'day', nowUs: number): Span {
  if (window !== 'day') return { windowUs: window * SECOND };
  const today = Math.floor(nowUs / DAY) * DAY;
  return { edgesUs: [today - DAY, today, today + DAY, today + 2 * DAY] };
}

function windowsOf(which: number, nowUs: number): WindowQuestion[] {
  return (POLICIES[which] ?? []).map(({ metric, limit, window }, i) =>
    windowOf({ rule: `p${which}-${i}`, metric, limit, span: spanOf(window, nowUs) }),
  );
}

function sliceAt(span: Span, us: number): number {
  return 'windowUs' in span ? Math.floor(us / sliceUs(span.windowUs)) : Math.floor(us / DAY);
}

function counts(span: Span, slice: number, nowUs: number): boolean {
  const current = sliceAt(span, nowUs);
  return 'windowUs' in span ? slice >= current - 60 : slice === current;
}

/** What a window holds: everything of every call in a slice that counts. */
function sumOf(all: readonly Share[], window: WindowQuestion, nowUs: number): number {
  let sum = 0;
  for (const share of all) {
    if (share.window !== window.rule) continue;
    if (counts(window.span, share.slice, nowUs)) sum += share.inHold;
    if (share.over && counts(window.span, share.over.slice, nowUs)) sum += share.over.amount;
  }
  return sum;
}

function metricOf(of: Amounts, metric: Metric): number {
  const { costNano, tokensIn, tokensOut } = of;
  return {
    calls: 1,
    estimated_cost_usd: costNano,
    tokens: tokensIn + tokensOut,
    tokens_in: tokensIn,
    tokens_out: tokensOut,
  }[metric];
}

function expectedCode(
  call: Known | undefined,
  question: Question,
  nowUs: number,
  all: readonly Share[],
): Answer['code'] {
  const { mode, amounts: asks, windows } = question;
  const forced = mode === 'force' || mode === 'claim';
  const fits = windows.every(
    (window) => sumOf(all, window, nowUs) + metricOf(asks, window.metric) <= window.limit,
  );
  if (!call) return forced || fits ? 'allowed' : 'denied';
  if (mode === 'claim') return 'finished';
  const usedUp = nowUs > call.admittedUs + 60 * SECOND || call.attempts.length > 8;
  const over = call.state !== 'held' && call.state !== 'final';
  // What went ahead under a finished id is charged, as a call of its own.
  if (usedUp || over) return mode === 'force' ? 'allowed' : 'finished';
  return 'repeated';
}

function admitted(question: Question, call: Known | undefined, nowUs: number): Known {
  const { mode, final, amounts: asks, windows, attempt } = question;
  const before = call?.state === 'unheld' ? call : undefined;
  const charged = before?.settled ?? asks;
  const claimed = mode === 'claim';
  const state = claimed ? 'unauthorized' : before ? 'settled' : final ? 'final' : 'held';
  const over = claimed || final;
  return {
    state,
    admittedUs: nowUs,
    attempts: [attempt],
    held: claimed ? NOTHING : asks,
    settled: before?.settled ?? (over ? asks : NOTHING),
    settledUs: before?.settledUs ?? (over ? nowUs : 0),
    endsUs: nowUs + (state === 'held' ? HOLD_US + SETTLE_US : 600 * SECOND),
    shares: windows.map(({ rule, span, metric }) => ({
      window: rule,
      span,
      metric,
      slice: sliceAt(span, nowUs),
      inHold: metricOf(charged, metric),
      over: undefined,
    })),
  };
}

function settleReference(
  call: Known | undefined,
  what: Used,
  nowUs: number,
): { call: Known; repeat: boolean; late: boolean } {
  const held = call?.held ?? NOTHING;
  const settled: Amounts = {
    costNano: what.costNano ?? held.costNano,
    costSource: what.costSource,
    tokensIn: what.tokensIn ?? held.tokensIn,
    tokensOut: what.tokensOut ?? held.tokensOut,
  };
  if (!call) {
    const unheld: Known = {
      state: 'unheld',
      admittedUs: 0,
      attempts: [],
      held: NOTHING,
      settled,
      settledUs: nowUs,
      endsUs: nowUs + 600 * SECOND,
      shares: [],
    };
    return { call: unheld, repeat: false, late: false };
  }
  const lateAt = call.state === 'unheld' ? Number.POSITIVE_INFINITY : call.admittedUs + HOLD_US;
  if (call.settledUs > 0) return { call, repeat: true, late: call.settledUs > lateAt };
  call.state = 'settled';
  call.settled = settled;
  call.settledUs = nowUs;
  call.endsUs = nowUs + 600 * SECOND;
  for (const share of call.shares) {
    const uses = metricOf(settled, share.metric);
    const holds = metricOf(held, share.metric);
    share.inHold = Math.min(uses, holds);
    if (uses > holds) {
      share.over = { slice: sliceAt(share.span, nowUs), amount: uses - holds };
    }
  }
  return { call, repeat: false, late: nowUs > lateAt };
}

function releaseReference(call: Known | undefined): { state: string; repeat: boolean } {
  if (!call) return { state: 'unheld', repeat: false };
  if (call.state === 'released') return { state: 'released', repeat: true };
  if (call.state !== 'held') {
    return { state: call.state === 'final' ? 'settled' : call.state, repeat: false };
  }
  call.state = 'released';
  for (const share of call.shares) if (share.metric !== 'calls') share.inHold = 0;
  return { state: 'released', repeat: false };
}
