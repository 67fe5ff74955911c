import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { connect, DeniedError, fakeGate } from '../../src/client/gate.js';

/** A fake gate that did wait would take the test runner's patience. */
const TIMEOUT = { timeout: 20_000 };

describe('a fake gate', () => {
  test('keeps what was asked, reported and released', async () => {
    const gate = fakeGate();
    await gate.call({ model: 'gpt-4o', maxTokensOut: 100 }, async (grant) => {
      grant.used({ tokensIn: 1240, tokensOut: 89 });
      await gate.call({ tool: 'search' }, async (inner) => inner.release('cached'));
    });
    await assert.rejects(
      gate.call({ model: 'm' }, async (grant) => {
        grant.used({ usage: { output_tokens: 1 } });
        throw new Error('broke');
      }),
    );
    assert.deepEqual(
      gate.calls.map(({ spec, usage, usageOfProvider, outcome, released }) => ({
        spec,
        usage,
        usageOfProvider,
        outcome,
        released,
      })),
      [
        {
          spec: { model: 'gpt-4o', maxTokensOut: 100 },
          usage: { tokensIn: 1240, tokensOut: 89 },
          usageOfProvider: undefined,
          outcome: 'ok',
          released: undefined,
        },
        {
          spec: { tool: 'search' },
          usage: undefined,
          usageOfProvider: undefined,
          outcome: undefined,
          released: 'cached',
        },
        {
          spec: { model: 'm' },
          usage: {},
          usageOfProvider: { usage: { output_tokens: 1 } },
          outcome: 'error',
          released: undefined,
        },
      ],
    );
    assert.equal(gate.calls[1]?.parentCallId, gate.calls[0]?.callId);
    assert.equal(gate.calls[1]?.parent, `fake.${gate.calls[0]?.callId}`);
  });

  test('denies what it is told to deny, in each way', async () => {
    const gate = fakeGate({
      deny: ({ tool }) => tool === 'shell' && { reason: 'no shell here', neverFits: true },
    });
    await gate.call({ tool: 'search' }, async () => {});
    await assert.rejects(
      gate.call({ tool: 'shell' }, () => assert.fail()),
      /no shell here/,
    );
    const told = await gate.call({ tool: 'shell', onDenied: 'tell' }, async () => 'ran');
    assert.ok(
      told instanceof DeniedError && told.tell.startsWith('The call to shell was not made'),
    );
    await assert.rejects(
      gate.call({ tool: 'shell', onDenied: 'wait' }, () => assert.fail()),
      DeniedError,
    );
    assert.deepEqual(
      gate.calls.map(({ decision }) => decision.verdict),
      ['allow', 'deny', 'deny', 'deny'],
    );
  });

  test('denies where the test denies with anything but false', async () => {
    const gate = fakeGate({ deny: () => ({ neverFits: true }) });
    await assert.rejects(
      gate.call({ tool: 'x' }, () => assert.fail()),
      /denied by the test/,
    );
  });

  test('takes no time to wait, and gives up when the wait would be too long', TIMEOUT, async () => {
    let asked = 0;
    const gate = fakeGate({
      onDenied: 'wait',
      deny: () => {
        asked += 1;
        return { retryAfterMs: 50_000 };
      },
    });
    await assert.rejects(
      gate.call({ tool: 'x' }, () => assert.fail()),
      DeniedError,
    );
    assert.equal(asked, 2, 'after 50 of 60 seconds another 50 are too long');
  });

  test('lets a waiting call pass when its denial is over', async () => {
    let asked = 0;
    const gate = fakeGate({
      onDenied: 'wait',
      deny: () => {
        asked += 1;
        return asked < 3 && { retryAfterMs: 1 };
      },
    });
    assert.equal(await gate.call({ tool: 'x' }, async () => 'passed'), 'passed');
    assert.equal(asked, 3);
    assert.equal(gate.calls.length, 1, 'it was one call');
  });
});

describe('a gated tool', () => {
  test('is the function, with a fingerprint that is equal for equal arguments', async () => {
    const gate = fakeGate();
    const search = gate.tool('search', async (query: object, limit: number) => ({ query, limit }));
    const first = { text: 'parcel', where: { city: 'x', zip: 1 } };
    assert.deepEqual(await search(first, 5), { query: first, limit: 5 });
    await search({ where: { zip: 1, city: 'x' }, text: 'parcel' }, 5);
    await search({ ...first, text: 'letter' }, 5);
    await search(first, 6);
    const [a, b, c, d] = gate.calls.map(({ spec }) => spec.fingerprint);
    assert.match(a ?? '', /^[\w-]{22}$/);
    assert.equal(b, a);
    assert.equal(new Set([a, c, d]).size, 3);
    assert.equal(gate.calls[0]?.spec.tool, 'search');
  });

  test('cannot be a generator, which would run after its call', () => {
    const gate = fakeGate();
    const wrap = (work: () => unknown) => () => gate.tool('x', work);
    assert.throws(
      wrap(function* () {}),
      /a generator is settled before it runs/,
    );
    assert.throws(
      wrap(async function* () {}),
      TypeError,
    );
  });

  test('takes what is no JSON, without a fingerprint', async () => {
    const gate = fakeGate();
    const count = gate.tool({ tool: 'count', final: true }, (n: bigint) => n + 1n);
    assert.equal(await count(1n), 2n);
    assert.deepEqual(gate.calls[0]?.spec, { tool: 'count', final: true, fingerprint: undefined });
  });
});

describe('a gate that is off', () => {
  test('makes every call, and says so once', async () => {
    const before = process.env['TOLLGATE_ADDRESS'];
    process.env['TOLLGATE_ADDRESS'] = 'off';
    try {
      const warnings: string[] = [];
      const gate = connect({ warn: (message) => warnings.push(message) });
      const verdict = await gate.call({ tool: 'x' }, async (grant) => {
        grant.used({ tokensOut: 5 });
        assert.deepEqual(gate.headers(), {});
        return grant.decision.verdict;
      });
      assert.equal(verdict, 'allow');
      await gate.close();
      assert.deepEqual(warnings, ['the gate is off: calls are neither checked nor counted']);
    } finally {
      if (before === undefined) delete process.env['TOLLGATE_ADDRESS'];
      else process.env['TOLLGATE_ADDRESS'] = before;
    }
  });

  test('loads no gRPC; neither does a fake one', async () => {
    const entry = new URL('../../src/client/gate.js', import.meta.url).href;
    const script = `
      import { createRequire } from 'node:module';
      import { connect, fakeGate } from '${entry}';
      const off = connect({ address: 'off', warn() {} });
      for (const gate of [off, fakeGate()]) await gate.call({ tool: 'x' }, async () => {});
      const loaded = () => Object.keys(createRequire('${entry}').cache).some((file) => file.includes('grpc'));
      const before = loaded();
      await connect({ address: '127.0.0.1:1', warn() {} }).call({ tool: 'x', onDenied: 'tell' }, () => {});
      console.log(before, loaded());`;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '--eval', script],
      { cwd: fileURLToPath(new URL('.', import.meta.url)) },
    );
    assert.equal(stdout.trim(), 'false true');
  });
});
