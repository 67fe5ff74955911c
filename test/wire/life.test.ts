import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { type ServiceError, status } from '@grpc/grpc-js';
import type { Channel } from '../../src/client/channel.js';
import type { Sidecar } from '../../src/sidecar.js';
import type { AuthorizeRequest } from '../../src/wire/generated/tollgate/v1/AuthorizeRequest.js';
import { scratchFolder, writeScratch } from '../support/scratch.js';
import { readMetric, scrapedTwice, sidecarHere } from '../support/sidecar.js';
import { ENGINES, type SimulatedRedis, startSimulated } from '../support/simulated.js';

const START_US = 1_790_000_000_000_000;
const SECOND = 1_000_000;
const TIMEOUT_MS = 5_000;
const SPENT_BY_A = '{agent="a",team="",cost_centre="",tool="",model=""}';

const POLICY = `
rules:
  - id: money
    action: block
    rateLimit: { metric: estimated_cost_usd, limit: 10.00, window: 1h }
  - id: tokens
    action: block
    rateLimit: { metric: tokens, limit: 10000, window: 1h }
  - id: calls
    action: block
    rateLimit: { limit: 20, window: 1h }
`;

for (const { engine, skip } of ENGINES) {
  describe(`the life of a call over gRPC on ${engine}`, { skip }, () => {
    const folder = scratchFolder();
    let redis: SimulatedRedis;
    let sidecar: Sidecar;
    let channel: Channel;
    let stop: () => Promise<void>;
    before(async () => {
      redis = await startSimulated(engine);
      await redis.setClock(START_US);
      ({ sidecar, channel, stop } = await sidecarHere(
        redis.address,
        writeScratch(folder, POLICY),
        redis.scripts,
      ));
    });
    after(async () => {
      await stop();
      await redis.close();
    });
    beforeEach(async () => {
      await redis.setClock(START_US);
      await redis.flush();
    });

    const call = {
      agent_id: 'a',
      call_id: 'c',
      tokens_in: 1_000,
      tokens_out: 500,
      estimated_cost: 4,
    };
    const name = { agent_id: 'a', call_id: 'c' };
    const authorize = (more: Partial<AuthorizeRequest> = {}) =>
      channel.authorize({ ...call, ...more }, TIMEOUT_MS);
    /** What the windows hold: USD, tokens, calls. */
    const used = async () => {
      const asked = { agent_id: 'a', estimated_cost: 0 };
      const { rules, verdict } = await channel.inspect(asked, TIMEOUT_MS);
      // What is asked would count as a call itself, unless a window is past its limit.
      const own = verdict === 'VERDICT_ALLOW' ? 1 : 0;
      return rules.map((rule, i) => (rule.used ?? 0) - (i === 2 ? own : 0));
    };
    const metric = async (family: string, labels: string) =>
      readMetric(await scrapedTwice(sidecar.metrics), family, labels);

    test('held, then settled with less: the rest is given back; a repeat gets the first answer', async () => {
      assert.equal((await authorize()).verdict, 'VERDICT_ALLOW');
      assert.deepEqual(await used(), [4, 1_500, 1]);
      const settlement = { ...name, tokens_in: 900, tokens_out: 100, cost: 1.5 };
      const first = await channel.settle(settlement, TIMEOUT_MS);
      assert.deepEqual(
        [first.state, first.settled?.cost_usd, first.settled?.cost_source, first.held?.cost_usd],
        ['CALL_STATE_SETTLED', 1.5, 'COST_SOURCE_CALLER', 4],
      );
      assert.deepEqual([first.overage_usd, first.overage_tokens, first.repeat], [0, 0, false]);
      assert.equal(first.settled_at_us, START_US);
      assert.deepEqual(await used(), [1.5, 1_000, 1]);
      await redis.setClock(START_US + SECOND);
      const repeat = await channel.settle({ ...settlement, cost: 9 }, TIMEOUT_MS);
      assert.deepEqual(repeat, { ...first, repeat: true });
      assert.deepEqual(await used(), [1.5, 1_000, 1]);
    });

    test('settled with more: the overage is charged over any limit, and said', async () => {
      await authorize();
      const answer = await channel.settle({ ...name, cost: 12.25, tokens_out: 20_000 }, TIMEOUT_MS);
      assert.deepEqual([answer.overage_usd, answer.overage_tokens], [8.25, 19_500]);
      assert.deepEqual(await used(), [12.25, 21_000, 1]);
      assert.equal((await authorize({ call_id: 'next' })).verdict, 'VERDICT_DENY');
    });

    test('settled with nothing: what it held is what it has used', async () => {
      await authorize();
      const answer = await channel.settle(name, TIMEOUT_MS);
      assert.deepEqual(
        [answer.settled?.cost_usd, answer.settled?.cost_source, answer.settled?.tokens_in],
        [4, 'COST_SOURCE_HELD', 1_000],
      );
      assert.deepEqual(await used(), [4, 1_500, 1]);
    });

    test('whatever names a model and tells no tokens is settled as held too', async () => {
      const tellings = [
        { model: 'gpt-4o-2024-08-06' },
        { model: 'gpt-4o', usage_json: '{"usage":null}' },
        { usage_json: 'no json', call: { model: 'gpt-4o' } },
        { provider: 'openai', outcome: 'OUTCOME_ERROR' as const },
      ];
      for (const [n, told] of tellings.entries()) {
        await redis.flush();
        await authorize({ call_id: `${n}`, model: 'gpt-4o' });
        const answer = await channel.settle({ ...name, call_id: `${n}`, ...told }, TIMEOUT_MS);
        assert.deepEqual(
          [answer.settled?.cost_usd, answer.settled?.tokens_out, answer.settled?.cost_source],
          [4, 500, 'COST_SOURCE_HELD'],
          JSON.stringify(told),
        );
        assert.equal(answer.usage_problem !== '', 'usage_json' in told);
        assert.deepEqual(await used(), [4, 1_500, 1]);
      }
    });

    test('a cost with the output alone leaves the input as it was held', async () => {
      const told = [{ usage_json: '{"usage":{"output_tokens":100}}' }, { cached_tokens_in: 10 }];
      for (const [n, part] of told.entries()) {
        await authorize({ call_id: `${n}` });
        const settlement = { ...name, call_id: `${n}`, cost: 1, ...part };
        const answer = await channel.settle(settlement, TIMEOUT_MS);
        assert.equal(answer.settled?.tokens_in, 1_000, JSON.stringify(part));
      }
    });

    test('tokens in part are priced with those that were held, by the model that was authorized', async () => {
      const { estimated_cost: _none, ...unpriced } = call;
      await channel.authorize({ ...unpriced, model: 'gpt-4o', tokens_in: 1_240 }, TIMEOUT_MS);
      const answer = await channel.settle({ ...name, tokens_out: 89 }, TIMEOUT_MS);
      assert.deepEqual(
        [answer.settled?.cost_usd, answer.settled?.tokens_in, answer.settled?.cost_source],
        [0.00399, 1_240, 'COST_SOURCE_TABLE'],
      );
    });

    test('once it is settled or released the id is finished', async () => {
      for (const end of ['settle', 'release'] as const) {
        await authorize({ call_id: end });
        assert.equal((await authorize({ call_id: end })).repeat, 1);
        await channel[end]({ ...name, call_id: end }, TIMEOUT_MS);
        await assert.rejects(authorize({ call_id: end }), (error: ServiceError) => {
          assert.equal(error.code, status.ALREADY_EXISTS);
          assert.match(error.details, /is finished: it was settled or released/);
          return true;
        });
      }
    });

    test('released: money and tokens come back, the attempt does not; a later Settle still counts', async () => {
      await authorize();
      const released = await channel.release({ ...name, why: 'no network' }, TIMEOUT_MS);
      assert.deepEqual(
        [released.state, released.repeat, released.released?.cost_usd],
        ['CALL_STATE_RELEASED', false, 4],
      );
      assert.deepEqual(await used(), [0, 0, 1]);
      assert.equal((await channel.release(name, TIMEOUT_MS)).repeat, true);
      const settled = await channel.settle({ ...name, cost: 3 }, TIMEOUT_MS);
      assert.deepEqual([settled.state, settled.overage_usd], ['CALL_STATE_SETTLED', 3]);
      assert.deepEqual(await used(), [3, 1_500, 1]);
      const late = await channel.release(name, TIMEOUT_MS);
      assert.deepEqual([late.state, late.released?.cost_usd], ['CALL_STATE_SETTLED', 0]);
      assert.deepEqual(await used(), [3, 1_500, 1]);
    });

    test('late: after its hold has run out it is settled all the same, and that is said', async () => {
      await authorize();
      await redis.setClock(START_US + 16 * 60 * SECOND);
      const answer = await channel.settle({ ...name, cost: 1 }, TIMEOUT_MS);
      assert.deepEqual([answer.state, answer.late], ['CALL_STATE_SETTLED', true]);
      assert.deepEqual(await used(), [1, 1_500, 1]);
    });

    test('unknown: recorded as unheld, no window changes, once', async () => {
      const before = await metric('tollgate_spend_usd_total', SPENT_BY_A);
      const answer = await channel.settle({ ...name, cost: 2 }, TIMEOUT_MS);
      assert.deepEqual([answer.state, answer.settled?.cost_usd], ['CALL_STATE_UNHELD', 2]);
      assert.deepEqual(await used(), [0, 0, 0]);
      assert.equal((await channel.settle({ ...name, cost: 2 }, TIMEOUT_MS)).repeat, true);
      assert.equal((await metric('tollgate_spend_usd_total', SPENT_BY_A)) - before, 2);
      assert.equal((await channel.release(name, TIMEOUT_MS)).state, 'CALL_STATE_UNHELD');
    });

    test('unauthorized: a call in full that nobody asked about is charged, once, over any limit', async () => {
      const settlement = { ...name, cost: 11, tokens_in: 10, tokens_out: 20, call: { ...call } };
      const answer = await channel.settle(settlement, TIMEOUT_MS);
      assert.deepEqual(
        [answer.state, answer.held?.cost_usd, answer.overage_usd, answer.overage_tokens],
        ['CALL_STATE_UNAUTHORIZED', 0, 11, 30],
      );
      assert.deepEqual(await used(), [11, 30, 1]);
      const repeat = await channel.settle(settlement, TIMEOUT_MS);
      assert.deepEqual([repeat.state, repeat.repeat], ['CALL_STATE_UNAUTHORIZED', true]);
      assert.deepEqual(await used(), [11, 30, 1]);
    });

    test('unauthorized: what is not said of it is what would have been estimated', async () => {
      const whole = { model: 'gpt-4o', tokens_in: 1_240, max_tokens_out: 500 };
      const partly = await channel.settle({ ...name, tokens_out: 89, call: whole }, TIMEOUT_MS);
      assert.deepEqual(
        [partly.state, partly.settled?.cost_usd, partly.settled?.tokens_in],
        ['CALL_STATE_UNAUTHORIZED', 0.00399, 1_240],
      );
      const nothing = await channel.settle({ ...name, call_id: 'd', call: whole }, TIMEOUT_MS);
      assert.deepEqual(
        [nothing.settled?.cost_usd, nothing.settled?.tokens_out, nothing.settled?.cost_source],
        [0.0081, 500, 'COST_SOURCE_TABLE'],
      );
    });

    test('the call in full changes nothing for one that was authorized', async () => {
      await authorize();
      const settlement = { ...name, cost: 1, call: { ...call } };
      assert.equal((await channel.settle(settlement, TIMEOUT_MS)).state, 'CALL_STATE_SETTLED');
      assert.deepEqual(await used(), [1, 1_500, 1]);
    });

    test('another agent settles and releases nothing of it', async () => {
      await authorize();
      const evil = { agent_id: 'evil', call_id: 'c' };
      assert.equal((await channel.release(evil, TIMEOUT_MS)).state, 'CALL_STATE_UNHELD');
      const settled = await channel.settle(
        { ...evil, cost: 0, tokens_in: 0, tokens_out: 0 },
        TIMEOUT_MS,
      );
      assert.equal(settled.state, 'CALL_STATE_UNHELD');
      assert.deepEqual(await used(), [4, 1_500, 1]);
    });

    test('final: settled in the same step, still repeatable, and nothing more to settle', async () => {
      assert.equal((await authorize({ final: true })).verdict, 'VERDICT_ALLOW');
      assert.equal((await authorize({ final: true })).repeat, 1, 'its reply may have been lost');
      const answer = await channel.settle({ ...name, cost: 9 }, TIMEOUT_MS);
      assert.deepEqual(
        [answer.state, answer.repeat, answer.settled?.cost_usd],
        ['CALL_STATE_SETTLED', true, 4],
      );
      assert.deepEqual(await used(), [4, 1_500, 1]);
    });

    test('bad settlements and releases are refused by field', async () => {
      const cases: [object, RegExp][] = [
        [{ agent_id: 'a' }, /^call_id: is required$/],
        [{ call_id: 'c' }, /^agent_id: is required$/],
        [{ ...name, tokens_in: -1 }, /^tokens_in: must be/],
        [{ ...name, tokens_out: 1e9 + 1 }, /^tokens_out: must be/],
        [{ ...name, cost: Number.NaN }, /^cost: must be/],
        [{ ...name, cost: -1 }, /^cost: must be/],
        [{ ...name, tokens_in: 5, cached_tokens_in: 6 }, /^tokens_in: must include/],
        [{ ...name, usage_json: 'x'.repeat(32_769) }, /^usage_json: is over/],
        [{ ...name, model: 'a\u0000' }, /^model: has a control character/],
        [{ ...name, call: { tokens_in: -1 } }, /^call\.tokens_in: must be/],
        [{ ...name, call: { agent_id: 'b' } }, /^call\.agent_id: differs from agent_id/],
        [{ ...name, team_id: 't', call: { team_id: 'u' } }, /^call\.team_id: differs/],
        [{ ...name, call: { parent: 'x' } }, /^call\.parent: is no lineage token/],
      ];
      for (const [request, message] of cases) {
        await assert.rejects(channel.settle(request, TIMEOUT_MS), (error: ServiceError) => {
          assert.equal(error.code, status.INVALID_ARGUMENT);
          assert.match(error.details, message);
          return true;
        });
      }
      await assert.rejects(
        channel.release({ call_id: 'c', why: 'x\n' }, TIMEOUT_MS),
        /agent_id: is required\nwhy: has a control character/,
      );
      assert.deepEqual(await redis.dump(), {});
    });

    test('a denial says what still fits', async () => {
      await authorize({ estimated_cost: 9.5 });
      const denied = await authorize({ call_id: 'd', estimated_cost: 0.6 });
      assert.deepEqual([denied.verdict, denied.affordable_cost_usd], ['VERDICT_DENY', 0.5]);
    });
  });
}
