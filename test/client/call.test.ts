import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { after, describe, test } from 'node:test';
import { CallError } from '../../src/client/gate.js';
import { gates } from '../support/gate.js';
import type { Service } from '../support/service.js';
import { until } from '../support/until.js';

describe('a call', () => {
  const { open, closeAll } = gates();
  after(closeAll);

  async function settlement(service: Service) {
    await until('the settlement', () => service.settled.length > 0);
    return service.settled[0] ?? assert.fail();
  }

  test('is authorized with all that is known, run, and settled with what was reported', async () => {
    const { gate, service, warnings } = await open(
      {},
      { team: 't', costCentre: 'CC-1', instance: 'pod-1', runId: 'run-1' },
    );
    const result = await gate.call(
      {
        tool: 'openai_completion',
        model: 'gpt-4o',
        provider: 'openai',
        operation: 'chat',
        maxTokensOut: 500,
        tokensIn: 1240,
        estimatedCostUsd: 0.0043,
        fingerprint: 'f',
        labels: { tier: 'gold' },
      },
      async (grant) => {
        assert.equal(service.settled.length, 0, 'nothing is settled before the work is over');
        assert.equal(grant.decision.verdict, 'allow');
        assert.equal(grant.maxTokensOut, 500);
        grant.used({ tokensIn: 1240, tokensOut: 89, cachedTokensIn: 1000, costUsd: 0.004 });
        return 42;
      },
    );
    assert.equal(result, 42);
    const settled = await settlement(service);
    const asked = service.authorized[0] ?? assert.fail();
    const { timestamp, ...call } = asked;
    assert.ok(Math.abs(Number(timestamp?.seconds) * 1000 - Date.now()) < 60_000);
    assert.match(call.call_id, /^[0-9a-f-]{36}$/);
    assert.deepEqual(call, {
      call_id: call.call_id,
      agent_id: 'a',
      team_id: 't',
      cost_centre: 'CC-1',
      instance: 'pod-1',
      tool: 'openai_completion',
      model: 'gpt-4o',
      provider: 'openai',
      operation: 'chat',
      run_id: 'run-1',
      parent: '',
      parent_call_id: '',
      fingerprint: 'f',
      tokens_in: 1240,
      tokens_out: 0,
      max_tokens_out: 500,
      estimated_cost: 0.0043,
      final: false,
      labels: { tier: 'gold' },
      input_bytes: 0,
    });
    assert.deepEqual(settled, {
      call_id: call.call_id,
      agent_id: 'a',
      team_id: 't',
      cost_centre: 'CC-1',
      instance: 'pod-1',
      model: 'gpt-4o',
      provider: 'openai',
      tokens_in: 1240,
      tokens_out: 89,
      cached_tokens_in: 1000,
      cost: 0.004,
      usage_json: '',
      outcome: 'OUTCOME_OK',
      call: null,
    });
    assert.deepEqual(warnings, []);
  });

  test("sends the provider's usage and model, and none of its text", async () => {
    const { gate, service } = await open();
    const response = {
      id: 'resp_1',
      model: 'gpt-4o-2024-08-06',
      choices: [{ message: { content: 'a secret' } }],
      usage: { prompt_tokens: 1240, completion_tokens: 89 },
    };
    await gate.call({ model: 'gpt-4o' }, async (grant) => grant.used(response));
    const { model, usage_json } = await settlement(service);
    assert.equal(model, 'gpt-4o-2024-08-06');
    assert.deepEqual(JSON.parse(usage_json), { model: response.model, usage: response.usage });
  });

  test('that throws is settled as an error with what was reported', async () => {
    const { gate, service } = await open();
    const error = new Error('the stream broke');
    const call = gate.call({ model: 'gpt-4o' }, async (grant) => {
      grant.used({ tokensIn: 10, tokensOut: 3 });
      throw error;
    });
    await assert.rejects(call, (thrown) => thrown === error);
    const { outcome, tokens_out } = await settlement(service);
    assert.deepEqual([outcome, tokens_out], ['OUTCOME_ERROR', 3]);
  });

  test('that throws and has reported nothing keeps its hold', async () => {
    const { gate, service, stop } = await open();
    const work = async () => Promise.reject(new Error('unknown'));
    await assert.rejects(gate.call({ model: 'gpt-4o' }, work), /unknown/);
    await stop();
    assert.equal(service.authorized.length, 1);
    assert.deepEqual([service.settled, service.released], [[], []]);
  });

  test('whose request was never sent gives its hold back, once', async () => {
    const { gate, service, stop } = await open({}, { team: 't' });
    const call = gate.call({ model: 'gpt-4o' }, async (grant) => {
      grant.release('connection refused');
      grant.release();
      throw new Error('connection refused');
    });
    await assert.rejects(call, /connection refused/);
    await stop();
    assert.deepEqual(service.settled, []);
    assert.deepEqual(service.released, [
      {
        call_id: service.authorized[0]?.call_id,
        agent_id: 'a',
        team_id: 't',
        cost_centre: '',
        instance: '',
        why: 'connection refused',
      },
    ]);
  });

  test('that turns out to have cost money after its release is settled all the same', async () => {
    const { gate, service } = await open();
    await gate.call({ model: 'gpt-4o' }, async (grant) => {
      grant.release();
      grant.cost(0.01);
    });
    assert.equal((await settlement(service)).cost, 0.01);
  });

  test('to a model that reports nothing is settled at its estimate, with one warning', async () => {
    const { gate, service, warnings } = await open();
    for (let n = 0; n < 3; n += 1) await gate.call({ model: 'gpt-4o' }, async () => {});
    await until('three settlements', () => service.settled.length === 3);
    for (const settled of service.settled) {
      assert.deepEqual(
        [settled.tokens_in, settled.tokens_out, settled.cost, settled.usage_json, settled.outcome],
        [undefined, undefined, undefined, '', 'OUTCOME_OK'],
      );
    }
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /^nothing was reported of call .* to gpt-4o: it is settled at/);
  });

  test('to a tool has nothing to report', async () => {
    const { gate, service, warnings } = await open();
    await gate.call({ tool: 'search' }, async () => {});
    assert.equal((await settlement(service)).outcome, 'OUTCOME_OK');
    assert.deepEqual(warnings, []);
  });

  test('that is final is not settled again', async () => {
    const { gate, service, stop } = await open();
    await gate.call({ tool: 'search', final: true }, async () => {});
    await stop();
    assert.equal(service.authorized[0]?.final, true);
    assert.deepEqual(service.settled, []);
  });

  test('whose usage the sidecar cannot read says so, once for each model and problem', async () => {
    const problems = ['has no token counts of a shape that is known', 'is not a JSON object'];
    const { gate, warnings, stop } = await open({
      settle: ({ model }) => ({ usage_problem: problems[model === 'b' ? 1 : 0] }),
    });
    for (const model of ['m', 'm', 'b']) {
      await gate.call({ model }, async (grant) => grant.used({ usage: { foo: 1 } }));
    }
    await stop();
    assert.equal(warnings.length, 2);
    assert.match(
      warnings[0] ?? '',
      /^the sidecar cannot read the usage of call \S+ to m: it has no token counts .*: \{\} \{"usage":\{"foo":1\}\}$/,
    );
    assert.match(warnings[1] ?? '', / to b: it is not a JSON object; /);
  });

  test('that the sidecar keeps for later is settled', async () => {
    const { gate, service, warnings, stop } = await open({ settle: () => ({ pending: true }) });
    await gate.call({ tool: 'x' }, async () => {});
    await stop();
    assert.equal(service.settled.length, 1);
    assert.deepEqual(warnings, []);
  });

  test('is settled whatever its work reports and gives as a reason', async () => {
    const { gate, service, warnings, stop } = await open();
    const hostile = {
      get usage() {
        throw new Error('no usage yet');
      },
    };
    for (const junk of [hostile, [Symbol('x')], { tokensIn: Symbol('x') }]) {
      await gate.call({ model: 'm' }, async (grant) => {
        grant.used({ tokensOut: 5 });
        grant.used(junk as object);
      });
    }
    await gate.call({ model: 'm' }, async (grant) => {
      grant.release(new Error(`refused\nby ${'x'.repeat(300)}`));
    });
    await stop();
    assert.deepEqual(
      service.settled.map(({ tokens_out }) => tokens_out),
      [5, 5, 5],
    );
    assert.equal(warnings.length, 3);
    const { why } = service.released[0] ?? assert.fail();
    assert.equal(why, `Error: refused by ${'x'.repeat(256 - 18)}`);
  });

  test('says when a report comes too late to count, and when it cannot be read', async () => {
    const { gate, warnings } = await open();
    const grant = await gate.call({ tool: 'x' }, async (given) => given);
    grant.used({ tokensOut: 1 });
    grant.used({ tokensOut: 2 });
    await gate.call({ tool: 'x' }, async (given) => given.used({ text: 'hello' }));
    assert.match(warnings[0] ?? '', /was settled before its usage came/);
    assert.match(warnings[1] ?? '', /cannot be read: an object of text has no usage in it/);
    assert.equal(warnings.length, 2);
  });

  test('that is broken is a CallError by its code, and its work does not run', async () => {
    const { gate, service } = await open(
      { authorize: () => ({ code: 6, details: 'call_id: "x" is finished' }) },
      { failureMode: 'allow', onDenied: 'tell' },
    );
    const work = () => assert.fail('the work has run');
    await assert.rejects(gate.call({ tool: 'x', callId: 'x' }, work), (error) => {
      assert.ok(error instanceof CallError);
      assert.equal(error.code, 'ALREADY_EXISTS');
      assert.equal(error.message, 'call_id: "x" is finished');
      return true;
    });
    assert.equal(service.authorized.length, 1, 'no repeat mends it');
  });

  for (const maxTokensOut of [Number.NaN, 1.5, -1, Number.POSITIVE_INFINITY]) {
    test(`with ${maxTokensOut} tokens is refused before the wire could make something of it`, async () => {
      const { gate, service } = await open();
      const call = gate.call({ model: 'm', maxTokensOut }, () => assert.fail());
      await assert.rejects(call, { code: 'INVALID_ARGUMENT', message: /^maxTokensOut: / });
      assert.equal(service.authorized.length, 0);
    });
  }

  test('whose signal is aborted while it is asked is not made, and is given back', async () => {
    const aborting = new AbortController();
    const { gate, service, stop } = await open({
      authorize: ({ call_id }) => {
        aborting.abort(new Error('the user left'));
        return { verdict: 'VERDICT_ALLOW', call_id };
      },
    });
    const call = gate.call({ tool: 'x', signal: aborting.signal }, () => assert.fail());
    await assert.rejects(call, /the user left/);
    await until('the release', () => service.released.length === 1);
    assert.equal(service.released[0]?.call_id, service.authorized[0]?.call_id);
    const again = gate.call({ tool: 'x', signal: aborting.signal }, () => assert.fail());
    await assert.rejects(again, /the user left/);
    await stop();
    assert.equal(service.authorized.length, 1, 'an aborted call is not even asked');
  });

  test('leaves nothing on a signal that many calls share', async () => {
    const { signal } = new AbortController();
    const { gate } = await open();
    for (let n = 0; n < 3; n += 1) await gate.call({ tool: 'x', signal }, async () => {});
    assert.equal(getEventListeners(signal, 'abort').length, 0);
  });

  test('that is aborted in its work is settled as cancelled', async () => {
    const { gate, service } = await open();
    const aborting = new AbortController();
    const call = gate.call({ model: 'm', signal: aborting.signal }, async (grant) => {
      grant.used({ tokensIn: 5, tokensOut: 1 });
      aborting.abort();
      grant.signal?.throwIfAborted();
    });
    await assert.rejects(call, { name: 'AbortError' });
    assert.equal((await settlement(service)).outcome, 'OUTCOME_CANCELLED');
  });

  test('whose settlement is refused has its result, and its amounts are in a warning', async () => {
    const { gate, warnings } = await open({ settle: () => ({ code: 3, details: 'too much' }) });
    const result = await gate.call({ model: 'm' }, async (grant) => {
      grant.used({ tokensIn: 7, tokensOut: 8 });
      return 'result';
    });
    assert.equal(result, 'result');
    await until('the warning', () => warnings.length > 0);
    assert.match(
      warnings[0] ?? '',
      /^the settlement of call \S+ to m is lost \(too much\): it used \{"tokensIn":7,"tokensOut":8\}$/,
    );
  });

  test('is not held up by its settlement, and close waits for that', async () => {
    let settle = () => {};
    const settling = new Promise<void>((resolve) => {
      settle = resolve;
    });
    const { gate, service } = await open({ settle: () => settling.then(() => ({})) });
    await gate.call({ tool: 'x' }, async () => {});
    let closed = false;
    const closing = gate.close().then(() => {
      closed = true;
    });
    await settlement(service);
    assert.equal(closed, false);
    settle();
    await closing;
    await assert.rejects(
      gate.call({ tool: 'x' }, async () => {}),
      /this gate is closed/,
    );
  });

  test('is waited for by close in its work, and its settlement is told', async () => {
    const { gate, service, warnings } = await open();
    let finish: (() => void) | undefined;
    const call = gate.call({ tool: 'x' }, (grant) => {
      grant.cost(2);
      return new Promise<void>((resolve) => {
        finish = resolve;
      });
    });
    await until('the work', () => finish !== undefined);
    const closing = gate.close();
    finish?.();
    await Promise.all([call, closing]);
    assert.equal(service.settled[0]?.cost, 2);
    assert.deepEqual(warnings, []);
  });

  test('that is given up while it is asked is given back before the gate is closed', async () => {
    let answer = () => {};
    const { gate, service, warnings } = await open({
      authorize: ({ call_id }) =>
        new Promise((resolve) => {
          answer = () => resolve({ verdict: 'VERDICT_ALLOW', call_id });
        }),
    });
    const aborting = new AbortController();
    const call = gate.call({ tool: 'x', signal: aborting.signal }, () => assert.fail());
    await until('the question', () => service.authorized.length === 1);
    aborting.abort(new Error('the user left'));
    await assert.rejects(call, /the user left/);
    const closing = gate.close();
    answer();
    await closing;
    assert.equal(service.released.length, 1);
    assert.deepEqual(warnings, []);
  });

  test('returns though a thousand settlements hang, and those past them are lost with a warning', async () => {
    const { gate, warnings } = await open({ settle: () => 'silence' });
    const calls = Array.from({ length: 1_009 }, (_, n) => gate.call({ tool: 'x' }, async () => n));
    assert.equal((await Promise.all(calls)).length, 1_009);
    assert.equal(warnings.length, 9);
    for (const warning of warnings) assert.match(warning, /is lost \(over 1000 wait/);
    await gate.close(0);
  });

  test('close gives up on a settlement after its time, and says so', async () => {
    const { gate, warnings } = await open({ settle: () => 'silence' });
    await gate.call({ tool: 'x' }, async () => {});
    await gate.close(1);
    assert.match(
      warnings[0] ?? '',
      /^the settlement of call .* is lost \(the gate was closed\): it used \{\}$/,
    );
  });

  test('is one of a thousand at once, each with its own id, result and settlement', async () => {
    const { gate, service, warnings, stop } = await open();
    const results = await Promise.all(
      Array.from({ length: 1_000 }, (_, n) =>
        gate.call({ model: 'm' }, async (grant) => {
          grant.used({ tokensIn: n, tokensOut: 1 });
          return { n, callId: grant.callId, headers: gate.headers() };
        }),
      ),
    );
    await stop();
    assert.equal(service.authorized.length, 1_000);
    assert.equal(new Set(service.authorized.map(({ call_id }) => call_id)).size, 1_000);
    const settled = new Map(service.settled.map((one) => [one.call_id, one.tokens_in]));
    assert.equal(settled.size, 1_000);
    for (const { n, callId, headers } of results) {
      assert.equal(settled.get(callId), n);
      assert.deepEqual(headers, { 'tollgate-lineage': `token-of-${callId}` });
    }
    assert.deepEqual(warnings, []);
  });
});
