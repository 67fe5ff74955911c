import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { connect, DeniedError } from '../../src/client/gate.js';
import { retry } from '../../src/client/retry.js';
import { gates } from '../support/gate.js';
import { freePort } from '../support/redis.js';
import { scratchFolder } from '../support/scratch.js';
import { allow, startService } from '../support/service.js';
import { until } from '../support/until.js';

/** A reply that does not come is missed after it; one that does has four times as long in the end. */
const SHORT_MS = 300;

const UNAVAILABLE = { code: 14, details: 'the connection broke' };
const SHED = { code: 3, details: 'agent_id: is required' };

describe('a call whose answer does not come', () => {
  const { open, closeAll } = gates();
  after(closeAll);

  test('is asked again under the same id, byte for byte the same, and made once', async () => {
    const { gate, service, warnings } = await open({
      authorize: (request, nth) => (nth < 3 ? UNAVAILABLE : allow(request)),
    });
    let made = 0;
    const labels = { tier: 'gold', zone: 'b' };
    await gate.call({ tool: 'x', labels, estimatedCostUsd: 0.1 }, async () => {
      made += 1;
    });
    assert.equal(made, 1);
    const [first, ...repeats] = service.authorizedBytes;
    assert.equal(repeats.length, 2);
    for (const repeat of repeats) assert.deepEqual(repeat, first);
    assert.deepEqual(warnings, [], 'a call that succeeds is nothing to warn of');
  });

  test('is asked again when a try takes too long', async () => {
    const { gate, service } = await open(
      { authorize: (request, nth) => (nth === 1 ? 'silence' : allow(request)) },
      { timeoutMs: SHORT_MS },
    );
    await gate.call({ tool: 'x' }, async () => {});
    assert.equal(new Set(service.authorized.map(({ call_id }) => call_id)).size, 1);
    assert.ok(service.authorized.length >= 2);
  });

  test('is denied after three tries, and what the sidecar may hold is given back', async () => {
    const { gate, service, warnings } = await open({ authorize: () => UNAVAILABLE });
    const call = gate.call({ tool: 'x' }, () => assert.fail('the work has run'));
    await assert.rejects(call, (error) => {
      assert.ok(error instanceof DeniedError);
      assert.equal(error.decision.degraded, 'unanswered');
      assert.equal(error.retryAfterMs, 1_000);
      assert.match(error.reason, /^no tollgate sidecar answers at 127\.0\.0\.1:\d+ \(/);
      return true;
    });
    assert.equal(service.authorized.length, 3);
    await until('the release', () => service.released.length === 1);
    assert.equal(service.released[0]?.call_id, service.authorized[0]?.call_id);
    assert.match(warnings[0] ?? '', /^no sidecar answers at .*: calls are denied$/);
  });

  test('is asked once where an error says that it is broken', async () => {
    const { gate, service } = await open({ authorize: () => SHED });
    await assert.rejects(
      gate.call({ tool: 'x' }, () => assert.fail()),
      { name: 'CallError' },
    );
    assert.equal(service.authorized.length, 1);
  });

  test('is settled again and again under its id until that is answered', async () => {
    const { gate, service, warnings, stop } = await open({
      settle: (_request, nth) => (nth < 4 ? UNAVAILABLE : {}),
    });
    await gate.call({ tool: 'x' }, async (grant) => grant.cost(0.5));
    await stop();
    assert.equal(service.settled.length, 4);
    for (const settled of service.settled) assert.deepEqual(settled, service.settled[0]);
    assert.deepEqual(warnings, []);
  });
});

describe('without a sidecar', () => {
  const folder = scratchFolder();

  function connectTo(address: string, failureMode?: 'allow' | 'deny') {
    const warnings: string[] = [];
    const warn = (message: string) => warnings.push(message);
    return { gate: connect({ address, agent: 'a', failureMode, warn }), warnings };
  }

  test('calls are denied by default, with one warning for the outage', async () => {
    const { gate, warnings } = connectTo(`127.0.0.1:${await freePort()}`);
    for (let n = 0; n < 2; n += 1) {
      await assert.rejects(
        gate.call({ tool: 'x' }, () => assert.fail()),
        (error) => error instanceof DeniedError && error.decision.degraded === 'unreachable',
      );
    }
    assert.equal(warnings.length, 1);
    await gate.close();
    assert.equal(warnings.length, 1, 'nothing was sent, so there is nothing to give back');
  });

  test('calls are made where that is asked for, and settled in full when it is back', async () => {
    const address = `unix://${join(folder, 'late.sock')}`;
    const { gate, warnings } = connectTo(address, 'allow');
    const parent = { 'Tollgate-Lineage': 'token-from-above' };
    const callId = await gate.from(parent).call({ model: 'm', maxTokensOut: 9 }, async (grant) => {
      assert.equal(grant.decision.degraded, 'unreachable');
      assert.equal(grant.lineage, '');
      assert.deepEqual(gate.headers(), { 'tollgate-lineage': 'token-from-above' });
      grant.used({ tokensIn: 3, tokensOut: 4 });
      return grant.callId;
    });
    assert.match(warnings[0] ?? '', /calls are ALLOWED without a check/);
    const service = await startService({}, address);
    await until('the settlement', () => service.settled.length > 0);
    const settled = service.settled[0] ?? assert.fail();
    assert.deepEqual([settled.call_id, settled.tokens_out], [callId, 4]);
    const { call } = settled;
    assert.deepEqual(
      [call?.call_id, call?.model, call?.max_tokens_out, call?.parent],
      [callId, 'm', 9, 'token-from-above'],
    );
    assert.equal(call?.final, false);
    await gate.call({ tool: 'x' }, async () => {});
    assert.match(warnings[1] ?? '', /answers again$/);
    assert.equal(warnings.length, 2);
    await gate.close();
    service.stop();
  });

  test('even a final call is settled, since nobody has recorded it', async () => {
    const address = `unix://${join(folder, 'final.sock')}`;
    const { gate } = connectTo(address, 'allow');
    await gate.call({ tool: 'geocoder', final: true }, async () => {});
    const service = await startService({}, address);
    await gate.close();
    assert.equal(service.settled[0]?.call?.final, true);
    service.stop();
  });

  test('a proxy for the world outside is not asked for it', async () => {
    const service = await startService();
    const before = process.env['http_proxy'];
    process.env['http_proxy'] = `http://127.0.0.1:${await freePort()}`;
    try {
      const { gate } = connectTo(service.address);
      await gate.call({ tool: 'x' }, async () => {});
      await gate.close();
    } finally {
      if (before === undefined) delete process.env['http_proxy'];
      else process.env['http_proxy'] = before;
      service.stop();
    }
  });
});

describe('the tries', () => {
  const lost = () => Object.assign(new Error('lost'), { code: 14, details: 'lost' });

  const TIMEOUTS: readonly [number, number[]][] = [
    [250, [250, 500, 1_000, 2_000, 2_000]],
    [10_000, [10_000, 10_000, 10_000, 10_000, 10_000]],
  ];
  for (const [firstTimeoutMs, expected] of TIMEOUTS) {
    test(`have twice the time each, from ${firstTimeoutMs} ms up to two seconds or that`, async () => {
      const timeoutsMs: number[] = [];
      const attempt = (timeoutMs: number) => {
        timeoutsMs.push(timeoutMs);
        return Promise.reject(lost());
      };
      const tries = { most: expected.length, firstTimeoutMs, firstPauseMs: 0 };
      await assert.rejects(retry(attempt, tries), /lost/);
      assert.deepEqual(timeoutsMs, expected);
    });
  }

  test('end with an error that is none of gRPC', async () => {
    let made = 0;
    const attempt = () => {
      made += 1;
      return Promise.reject(new TypeError('a defect'));
    };
    const tries = { most: 3, firstTimeoutMs: 1, firstPauseMs: 0 };
    await assert.rejects(retry(attempt, tries), TypeError);
    assert.equal(made, 1);
  });
});
