import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { gates } from '../support/gate.js';
import type { Service } from '../support/service.js';

describe('lineage', () => {
  const { open, closeAll } = gates();
  after(closeAll);

  /** Tool → whose token it came with, by the tool of that call. */
  function parents(service: Service): Record<string, string> {
    const tools = new Map(service.authorized.map((one) => [`token-of-${one.call_id}`, one.tool]));
    return Object.fromEntries(
      service.authorized.map(({ tool, parent }) => [tool, tools.get(parent) ?? parent]),
    );
  }

  test('passes from a call to the calls in its work, however deep, and no further', async () => {
    const { gate, service } = await open();
    await gate.call({ tool: 'plan' }, async () => {
      await turn();
      await gate.call({ tool: 'search' }, async () => {
        await Promise.resolve();
        await gate.call({ tool: 'fetch' }, async () => {});
      });
      await gate.call({ tool: 'write' }, async () => {});
    });
    await gate.call({ tool: 'other' }, async () => {});
    assert.deepEqual(parents(service), {
      plan: '',
      search: 'plan',
      fetch: 'search',
      write: 'plan',
      other: '',
    });
  });

  test('keeps parallel calls apart', async () => {
    const { gate, service } = await open();
    await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        gate.call({ tool: `outer-${n}` }, async () => {
          for (let i = 0; i < n % 7; i += 1) await turn();
          await gate.call({ tool: `inner-${n}` }, async () => {});
        }),
      ),
    );
    const of = parents(service);
    for (let n = 0; n < 50; n += 1) assert.equal(of[`inner-${n}`], `outer-${n}`);
  });

  test('passes between the gates of one process', async () => {
    const planner = await open({}, { agent: 'planner' });
    const writer = await open({}, { agent: 'writer' });
    await planner.gate.call({ tool: 'plan' }, () =>
      writer.gate.call({ tool: 'write' }, async () => {}),
    );
    const [plan] = planner.service.authorized;
    const [write] = writer.service.authorized;
    assert.equal(write?.parent, `token-of-${plan?.call_id}`);
    assert.deepEqual([write?.agent_id, write?.run_id], ['writer', '']);
  });

  test('passes over HTTP by the header, by a gate of the request or by its scope', async () => {
    const { gate, service } = await open();
    const server = createServer(async (request, response) => {
      if (request.url === '/gate') {
        const own = gate.from(request.headers);
        await own.call({ tool: 'there' }, () => own.call({ tool: 'below' }, async () => {}));
        await own.call({ tool: 'sibling' }, async () => {});
      } else {
        await gate.from(request.headers, () => gate.call({ tool: 'there' }, async () => {}));
      }
      response.end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      assert.deepEqual(gate.headers(), {});
      for (const path of ['/gate', '/scope']) {
        service.authorized.length = 0;
        await gate.call({ tool: 'here' }, async (grant) => {
          assert.deepEqual(gate.headers(), grant.headers());
          await fetch(origin + path, { headers: gate.headers() });
        });
        const below = path === '/gate' ? { below: 'there', sibling: 'here' } : {};
        assert.deepEqual(parents(service), { here: '', there: 'here', ...below });
      }
      service.authorized.length = 0;
      await fetch(`${origin}/gate`);
      assert.deepEqual(parents(service), { there: '', below: 'there', sibling: '' });
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });

  const incoming: IncomingHttpHeaders = { host: 'h', 'tollgate-lineage': 'T' };
  const HEADERS: readonly [string, Headers | Record<string, unknown>, string][] = [
    ['a Headers', new Headers({ 'Tollgate-Lineage': 'T' }), 'T'],
    ['those of node:http', incoming, 'T'],
    ['a plain object in any case', { 'TOLLGATE-lineage': 'T' }, 'T'],
    ['several values', { 'tollgate-lineage': ['T', 'U'] }, 'T'],
    ['a value that is no text', { 'tollgate-lineage': 5 }, ''],
    ['no token', { 'tollgate-lineage-x': 'T' }, ''],
    ['a header that is called get', { get: 'x', 'tollgate-lineage': 'T' }, 'T'],
  ];
  for (const [what, headers, expected] of HEADERS) {
    test(`is read from ${what}`, async () => {
      const { gate, service } = await open();
      await gate.from(headers).call({ tool: 'x' }, async () => {});
      assert.equal(service.authorized[0]?.parent, expected);
    });
  }

  test('a request without a token is a root, whatever it is handled within', async () => {
    const { gate, service } = await open();
    await gate.call({ tool: 'around' }, () => gate.from({}).call({ tool: 'in' }, async () => {}));
    assert.equal(parents(service)['in'], '');
  });

  test('a run has all calls within, and ends what is around it', async () => {
    const { gate, service } = await open({}, { runId: 'of-the-gate' });
    await gate.call({ tool: 'before' }, () =>
      gate.run('ticket-17', async () => {
        await Promise.all([
          gate.call({ tool: 'one' }, () => gate.call({ tool: 'below' }, async () => {})),
          gate.call({ tool: 'two' }, async () => {}),
        ]);
      }),
    );
    const made = await gate.run(async () => gate.call({ tool: 'named' }, async () => 'made'));
    assert.equal(made, 'made');
    const runs = Object.fromEntries(service.authorized.map(({ tool, run_id }) => [tool, run_id]));
    assert.match(String(runs['named']), /^[0-9a-f-]{36}$/);
    assert.deepEqual(
      { ...runs, named: '' },
      { before: 'of-the-gate', one: 'ticket-17', two: 'ticket-17', below: '', named: '' },
    );
    assert.deepEqual(parents(service), { before: '', one: '', two: '', below: 'one', named: '' });
    const [before, one] = service.authorized;
    assert.equal(one?.parent_call_id, before?.call_id, 'it is recorded who started the run');
  });
});
