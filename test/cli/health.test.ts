import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { freePort } from '../support/redis.js';
import { tollgate } from '../support/run.js';
import { scratchFolder } from '../support/scratch.js';
import { type SidecarProcess, spawnSidecar } from '../support/sidecar.js';

describe('tollgate health', () => {
  const folder = scratchFolder();
  let port: number;
  let sidecar: SidecarProcess;
  before(async () => {
    port = await freePort();
    sidecar = await spawnSidecar({ TOLLGATE_OPS_LISTEN: `0.0.0.0:${port}` });
  });
  after(() => sidecar.stop());
  const ask = (listen: string) => tollgate(['health'], { TOLLGATE_OPS_LISTEN: listen });

  test('says yes of a sidecar that is ready, by the address that it listens on', async () => {
    for (const host of ['0.0.0.0', '127.0.0.1', 'localhost']) {
      const { code, out } = await ask(`${host}:${port}`);
      assert.equal(code, 0, host);
      assert.match(out, /^tollgate is ready \(.+:\d+\)\n$/);
    }
  });

  test('finds a unix socket', async () => {
    const listen = `unix://${join(folder, 'ops.sock')}`;
    const absent = await ask(listen);
    assert.equal(absent.code, 1);
    assert.match(absent.err, /nothing listens on unix:.*ops\.sock; it does not run/);
    const other = await spawnSidecar({ TOLLGATE_OPS_LISTEN: listen });
    try {
      assert.deepEqual(await ask(listen), {
        code: 0,
        out: `tollgate is ready (${listen})\n`,
        err: '',
      });
    } finally {
      await other.stop();
    }
    assert.equal((await ask(listen)).code, 1, 'after its end');
  });

  test('says no where nothing listens, and where the address is none', async () => {
    const none = await ask(`0.0.0.0:${await freePort()}`);
    assert.deepEqual([none.code, none.out], [1, '']);
    assert.match(
      none.err,
      /^tollgate is not ready: nothing listens on 127\.0\.0\.1:\d+; it does not/,
    );
    const chance = await ask('127.0.0.1:0');
    assert.equal(chance.code, 1);
    assert.match(chance.err, /leaves the port to chance/);
    const wrong = await ask('7401');
    assert.equal(wrong.code, 1);
    assert.match(wrong.err, /^TOLLGATE_OPS_LISTEN: "7401" must be host:port/);
  });

  for (const { name, answer, says } of [
    { name: 'starting or stopping', answer: 503, says: /it is starting or stopping/ },
    { name: 'something else', answer: 404, says: /answers 404 to \/readyz, so something else/ },
    { name: 'hanging', answer: undefined, says: /has not answered in 2000 ms; it hangs/ },
  ]) {
    test(`says no of a server that is ${name}`, async () => {
      const server = createServer((_, response) => {
        if (answer !== undefined) response.writeHead(answer).end();
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      try {
        const { code, err } = await ask(`127.0.0.1:${(server.address() as AddressInfo).port}`);
        assert.equal(code, 1);
        assert.match(err, says);
      } finally {
        server.closeAllConnections();
        server.close();
      }
    });
  }
});
