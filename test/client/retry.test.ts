import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { connect, DeniedError } from '../../src/client/gate.js';
import { retry } from '../../src/client/retry.js';
import type { AuthorizeResponse } from '../../src/wire/generated/tollgate/v1/AuthorizeResponse.js';
import { gates } from '../support/gate.js';
import { freePort } from '../support/redis.js';
import { scratchFolder } from '../support/scratch.js';
import { allow, startService } from '../support/service.js';
import { until } from '../support/until.js';

/** A reply that does not come is missed after it; one that does has four times as long in the end. */
const SHORT_MS = 300;

/** Each test has a service of its own, and waits most of the time. */
const AT_ONCE = { concurrency: true };

const UNAVAILABLE = { code: 14, details: 'the connection broke' };
const FINISHED = { code: 6, details: 'call_id: is finished' };
const SHED = { code: 3, details: 'agent_id: is required' };

describe('a call whose answer does not come', AT_ONCE, () => {
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
      assert.equal(
        error.tell,
        'The call to x was not made: no tollgate sidecar answers. Do not repeat it within the next 1 second.',
        'addresses and the words of gRPC are for the warning',
      );
      return true;
    });
    assert.equal(service.authorized.length, 3);
    await until('the release', () => service.released.length === 1);
    assert.equal(service.released[0]?.call_id, service.authorized[0]?.call_id);
    assert.match(
      warnings[0] ?? '',
      /^no sidecar answers at 127\.0\.0\.1:\d+ \(the connection broke\): calls are denied$/,
    );
  });

  test('is asked once while the sidecar is known to be away, so that an outage does not add to each', async () => {
    let back = false;
    const { gate, service } = await open(
      { authorize: (request) => (back ? allow(request) : UNAVAILABLE) },
      { failureMode: 'allow' },
    );
    for (const asked of [3, 4, 5]) {
      await gate.call({ tool: 'x', final: true }, async () => {});
      assert.equal(service.authorized.length, asked);
    }
    back = true;
    await gate.call({ tool: 'x', final: true }, async () => {});
    back = false;
    await gate.call({ tool: 'x', final: true }, async () => {});
    assert.equal(service.authorized.length, 6 + 3, 'it had come back in between');
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

/** A denial of a sidecar that was too busy for this one. */
function busy(degraded_reason: string): AuthorizeResponse {
  return { verdict: 'VERDICT_DENY', reason: 'too busy', degraded: true, degraded_reason };
}

describe('a denial for want of time', AT_ONCE, () => {
  const { open, closeAll } = gates();
  after(closeAll);

  for (const reason of ['deadline', 'overloaded', 'timeout']) {
    test(`(${reason}) is not taken for the answer until the third`, async () => {
      const { gate, service, warnings } = await open({
        authorize: (request, nth) => (nth % 3 === 0 ? allow(request) : busy(reason)),
      });
      assert.equal(await gate.call({ tool: 'x' }, async () => 'made'), 'made');
      const [first, ...repeats] = service.authorizedBytes;
      assert.equal(repeats.length, 2);
      for (const repeat of repeats) assert.deepEqual(repeat, first);
      assert.deepEqual(warnings, []);
    });
  }

  test('is the answer of the third try', async () => {
    const { gate, service, stop } = await open({ authorize: () => busy('overloaded') });
    await assert.rejects(
      gate.call({ tool: 'x' }, () => assert.fail()),
      (error) => error instanceof DeniedError && error.decision.degraded === 'overloaded',
    );
    await stop();
    assert.equal(service.authorized.length, 3);
    assert.deepEqual(service.released, [], 'it was denied, so nothing is held');
  });

  test('is told from one because Redis is away, and from that of a halt', async () => {
    const halt = { agent_id: 'a', since_us: 1, until_us: 0, rule_id: 'loop', why: 'it loops' };
    for (const answer of [busy('unavailable'), { ...busy('timeout'), halt }]) {
      const { gate, service } = await open({ authorize: () => answer });
      await assert.rejects(
        gate.call({ tool: 'x' }, async () => {}),
        DeniedError,
      );
      assert.equal(service.authorized.length, 1);
    }
  });
});

describe('a burst of calls', AT_ONCE, () => {
  const { open, closeAll } = gates();
  after(closeAll);

  test('is asked 32 at once, whichever gates make them, and all are made', async () => {
    const answers: (() => void)[] = [];
    const { gate, service, warnings } = await open({
      authorize: (request) => new Promise((resolve) => answers.push(() => resolve(allow(request)))),
    });
    const other = connect({ address: service.address, agent: 'b', timeoutMs: 10_000 });
    const calls = Array.from({ length: 70 }, (_, n) =>
      (n % 2 === 0 ? gate : other).call({ tool: 'x', final: true }, async () => n),
    );
    let answered = 0;
    for (const most of [32, 64, 70]) {
      await until('a full line', () => answers.length === most);
      // Answers one by one: for each there is room for one.
      while (answered < most) answers[answered++]?.();
    }
    assert.deepEqual(await Promise.all(calls), Array.from(calls.keys()));
    assert.deepEqual(warnings, []);
    await other.close();
  });

  test('is over together where the sidecar is frozen: who had no turn was never sent', async () => {
    const { gate, service } = await open(
      { authorize: () => 'silence' },
      { timeoutMs: SHORT_MS, onDenied: 'tell' },
    );
    const told = await Promise.all(
      Array.from({ length: 100 }, () => gate.call({ tool: 'x' }, async () => {})),
    );
    const asked = new Set(service.authorized.map(({ call_id }) => call_id));
    assert.equal(asked.size, 32);
    for (const denied of told) {
      assert.ok(denied instanceof DeniedError);
      const { callId, degraded, reason } = denied.decision;
      const expected = asked.has(callId)
        ? ['unanswered', 'no tollgate sidecar answers']
        : ['unreachable', 'too many calls are asked about at once'];
      assert.deepEqual([degraded, reason], expected);
    }
    await until('the releases', () => service.released.length === 32);
  });
});

describe('a call that waits while no answers come', AT_ONCE, () => {
  const { open, closeAll } = gates();
  after(closeAll);

  test('goes on under a new id, and the one whose answer was lost is given back', async () => {
    const { gate, service, stop } = await open(
      { authorize: (request, nth) => (nth <= 3 ? UNAVAILABLE : allow(request)) },
      { onDenied: 'wait' },
    );
    const callId = await gate.call({ tool: 'x' }, async (grant) => {
      grant.cost(1);
      return grant.callId;
    });
    await stop();
    const ids = service.authorized.map(({ call_id }) => call_id);
    assert.equal(new Set(ids.slice(0, 3)).size, 1);
    assert.notEqual(ids[3], ids[0]);
    assert.equal(callId, ids[3]);
    assert.deepEqual(
      service.released.map(({ call_id }) => call_id),
      [ids[0]],
    );
    assert.deepEqual(
      service.settled.map(({ call_id }) => call_id),
      [callId],
    );
  });

  test('keeps the id that its caller gave; should that be finished by then, it was not the bug of the caller', async () => {
    const { gate, service, stop } = await open(
      { authorize: (_request, nth) => (nth <= 3 ? UNAVAILABLE : FINISHED) },
      { onDenied: 'wait' },
    );
    await assert.rejects(
      gate.call({ tool: 'x', callId: 'mine' }, () => assert.fail()),
      (error) => error instanceof DeniedError && error.decision.degraded === 'unanswered',
    );
    await stop();
    assert.deepEqual(
      service.authorized.map(({ call_id }) => call_id),
      ['mine', 'mine', 'mine', 'mine'],
    );
    assert.equal(service.released.length, 1);
  });

  test('likewise within its three tries', async () => {
    const { gate, service } = await open({
      authorize: (_request, nth) => (nth === 1 ? UNAVAILABLE : FINISHED),
    });
    await assert.rejects(
      gate.call({ tool: 'x' }, () => assert.fail()),
      (error) => error instanceof DeniedError && error.decision.degraded === 'unanswered',
    );
    await until('the release', () => service.released.length === 1);
  });
});

function connectTo(address: string, failureMode?: 'allow' | 'deny') {
  const warnings: string[] = [];
  const warn = (message: string) => warnings.push(message);
  return { gate: connect({ address, agent: 'a', failureMode, warn }), warnings };
}

describe('without a sidecar', AT_ONCE, () => {
  const folder = scratchFolder();

  test('calls are denied by default, with one warning for the outage', async () => {
    const { gate, warnings } = connectTo(`127.0.0.1:${await freePort()}`);
    for (let n = 0; n < 2; n += 1) {
      await assert.rejects(
        gate.call({ tool: 'x' }, () => assert.fail()),
        (error) => error instanceof DeniedError && error.decision.degraded === 'unreachable',
      );
    }
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /\(no connection\): calls are denied$/);
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

  test('a call rides out a restart: it is sent as soon as there is a connection', async () => {
    const path = join(folder, 'restart.sock');
    const { gate } = connectTo(`unix://${path}`);
    let refused = 0;
    const starting = createServer((socket) => {
      refused += 1;
      socket.destroy();
    }).listen(path);
    await once(starting, 'listening');
    const made = gate.call({ tool: 'x' }, async () => 'made');
    await until('a connection that breaks again and again', () => refused >= 3);
    await new Promise((resolve) => starting.close(resolve));
    const service = await startService({}, `unix://${path}`);
    assert.equal(await made, 'made');
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

describe('the tries', () => {
  const lost = () => Object.assign(new Error('lost'), { code: 14, details: 'lost' });
  const always = () => true;

  test('have twice the time each, and no more than is left', async () => {
    const timeoutsMs: number[] = [];
    const attempt = (timeoutMs: number) => {
      timeoutsMs.push(timeoutMs);
      return Promise.reject(lost());
    };
    const tries = { most: 3, firstTimeoutMs: 10_000, giveUpAtMs: performance.now() + 35_000 };
    await assert.rejects(retry(attempt, always, tries), /lost/);
    assert.deepEqual(timeoutsMs.slice(0, 2), [10_000, 20_000]);
    const last = timeoutsMs[2] ?? 0;
    assert.ok(last > 20_000 && last < 35_000, `what is left: ${last}`);
    assert.equal(timeoutsMs.length, 3);
  });

  test('are over with the one that uses up the time', async () => {
    let made = 0;
    const attempt = () => {
      made += 1;
      return Promise.reject(lost());
    };
    const tries = { most: 3, firstTimeoutMs: 10_000, giveUpAtMs: performance.now() + 5_000 };
    await assert.rejects(retry(attempt, always, tries), /lost/);
    assert.equal(made, 1);
  });

  test('end with an error that is none of gRPC', async () => {
    let made = 0;
    const attempt = () => {
      made += 1;
      return Promise.reject(new TypeError('a defect'));
    };
    const tries = { most: 3, firstTimeoutMs: 1, giveUpAtMs: Number.POSITIVE_INFINITY };
    await assert.rejects(retry(attempt, always, tries), TypeError);
    assert.equal(made, 1);
  });
});
