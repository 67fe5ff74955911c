import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect, fakeGate, type Options } from '../../src/client/gate.js';

const JUNK: readonly [object, RegExp][] = [
  [{ failureMode: 'open' }, /^failureMode: open is none of deny, allow$/],
  [{ failureMode: 'DENY' }, /^failureMode: DENY is none/],
  [{ onDenied: 'throw' }, /^onDenied: throw is none of raise, wait, tell$/],
  [{ maxWaitMs: Number.NaN }, /^maxWaitMs: NaN is no time from 0$/],
  [{ maxWaitMs: -1 }, /^maxWaitMs: -1 /],
  [{ maxWaitMs: '5' }, /^maxWaitMs: 5 /],
  [{ timeoutMs: 0 }, /^timeoutMs: 0 is no time above 0$/],
  [{ timeoutMs: Number.NaN }, /^timeoutMs: NaN /],
  [{ timeoutMs: 2 ** 31 }, /^timeoutMs: 2147483648 /],
  [{ address: 'http://localhost:7400' }, /^address: "http:.*" must be host:port or unix:/],
  [{ address: 'localhost' }, /^address: "localhost" must be/],
  [{ address: 'unix:relative.sock' }, /^address: .* three slashes$/],
];

for (const [options, problem] of JUNK) {
  test(`connect refuses ${JSON.stringify(options)}`, () => {
    assert.throws(() => connect(options as Options), { name: 'TypeError', message: problem });
  });
}

test('a call and a fake gate refuse what connect refuses', async () => {
  const gate = fakeGate();
  const work = () => assert.fail('the work has run');
  const bad = { tool: 'x', onDenied: 'wait', maxWaitMs: Number.NaN } as const;
  await assert.rejects(gate.call(bad, work), { code: 'INVALID_ARGUMENT', message: /^maxWaitMs: / });
  assert.throws(() => fakeGate({ onDenied: 'junk' } as object), TypeError);
});

test('an address is taken as gRPC and people write it; an empty one is none', () => {
  for (const address of ['', 'off', 'tollgate.svc:7400', '[::1]:7400', 'unix:///run/t.sock']) {
    connect({ address, warn: () => {} });
  }
});
