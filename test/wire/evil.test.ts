import assert from 'node:assert/strict';
import { connect as connectHttp2 } from 'node:http2';
import { after, describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { credentials, Metadata, status } from '@grpc/grpc-js';
import { loadApi } from '../../src/wire/definition.js';
import {
  AUTHORIZE,
  type EvilConnection,
  evilConnection,
  FLAG,
  FRAME,
  frame,
  type Honest,
  headerBlock,
  PREFACE,
  residentMib,
  startHonest,
} from '../support/evil.js';
import { type SidecarProcess, spawnSidecar } from '../support/sidecar.js';
import { until } from '../support/until.js';

/** As in wire/sessions: connections without an answer so far. */
const MAX_SILENT = 256;

/** Garbage is collected as early as in a small container; else it is that which is measured. */
const EARLY = { NODE_OPTIONS: '--max-semi-space-size=4' };

/** Headers of a request, of just below and of well above the 8 KiB that a gate reads. */
const headersOf = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`x-${n}`, 'x'.repeat(120)]));
const MANY_HEADERS = headersOf(45);
const TOO_MANY_HEADERS = headersOf(90);

/** Twice what it is here: what is held at once is some MiB, the rest is garbage. */
const MOST_GROWTH_MIB = 160;

const SETTINGS = frame(FRAME.settings, FLAG.none, 0);
const HELLO = Buffer.concat([PREFACE, SETTINGS]);

function openRequest(stream: number, more?: Record<string, string>): Buffer {
  return frame(FRAME.headers, FLAG.endHeaders, stream, headerBlock(AUTHORIZE, more));
}

/** Settings by which a client takes nothing in: INITIAL_WINDOW_SIZE is 0. */
const NO_WINDOW = frame(FRAME.settings, FLAG.none, 0, Buffer.from([0, 4, 0, 0, 0, 0]));

describe('an evil agent', { concurrency: true }, () => {
  const sidecars: SidecarProcess[] = [];
  const connections: EvilConnection[] = [];
  after(async () => {
    for (const { socket } of connections) socket.destroy();
    for (const sidecar of sidecars) await sidecar.stop();
  });

  async function victim(): Promise<{ sidecar: SidecarProcess; honest: Honest }> {
    const sidecar = await spawnSidecar(EARLY);
    sidecars.push(sidecar);
    await sidecar.channel.authorize({ agent_id: 'honest', tool: 'search' }, 10_000);
    return { sidecar, honest: startHonest(sidecar) };
  }
  async function attack(sidecar: SidecarProcess, sent: Buffer): Promise<EvilConnection> {
    const connection = await evilConnection(sidecar.address, sent);
    connections.push(connection);
    return connection;
  }
  const refused = (sidecar: SidecarProcess, reason: string) =>
    sidecar.metric('tollgate_refused_connections_total', `{reason="${reason}"}`);
  const open = (some: EvilConnection[]) => some.filter(({ closed }) => !closed()).length;

  /** An agent's calls meanwhile: all had an answer, or this throws. */
  async function answered(t: { diagnostic(text: string): void }, honest: Honest): Promise<void> {
    await honest.stop();
    const sorted = honest.tookMs.toSorted((a, b) => a - b);
    const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))]?.toFixed(1);
    t.diagnostic(`${sorted.length} honest calls: median ${at(0.5)} ms, longest ${at(1)} ms`);
    assert.ok(sorted.length > 0);
  }

  test('10,000 connections that ask nothing cost what some hundred do', async (t) => {
    const { sidecar, honest } = await victim();
    const before = await residentMib(sidecar);
    const idle: EvilConnection[] = [];
    for (let n = 0; n < 10_000; n += 100) {
      const sent = n % 200 === 0 ? HELLO : Buffer.alloc(0);
      idle.push(...(await Promise.all(Array.from({ length: 100 }, () => attack(sidecar, sent)))));
    }
    await until('all but some to be dropped', () => open(idle) <= MAX_SILENT);
    const growth = (await residentMib(sidecar)) - before;
    t.diagnostic(`${open(idle)} are open; it has grown by ${growth.toFixed(0)} MiB`);
    assert.ok(growth < MOST_GROWTH_MIB, `${growth} MiB`);
    assert.ok((await refused(sidecar, 'crowded')) >= 10_000 - 2 * MAX_SILENT);
    await answered(t, honest);
  });

  test('whoever is slow is dropped: in the preface, in headers, in a body, in reading', async (t) => {
    const { sidecar, honest } = await victim();
    const headers = headerBlock(AUTHORIZE);
    const message = loadApi().tollgate.v1.Tollgate.service.Authorize.requestSerialize({
      agent_id: 'evil',
      tool: 'search',
    });
    const watchHealth = Buffer.concat([
      frame(FRAME.headers, FLAG.endHeaders, 1, headerBlock('/grpc.health.v1.Health/Watch')),
      frame(FRAME.data, FLAG.endStream, 1, Buffer.alloc(5)),
    ]);
    const whole = Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);
    const slow = {
      'preface never sent': await attack(sidecar, Buffer.from('PRI * HT')),
      'asks nothing': await attack(sidecar, HELLO),
      'headers never ended': await attack(
        sidecar,
        Buffer.concat([HELLO, frame(FRAME.headers, FLAG.none, 1, headers)]),
      ),
      'a body that trickles': await attack(sidecar, Buffer.concat([HELLO, openRequest(1)])),
      'a watch of its health that is not read': await attack(
        sidecar,
        Buffer.concat([PREFACE, NO_WINDOW, watchHealth]),
      ),
      'an answer that is not read': await attack(
        sidecar,
        Buffer.concat([
          PREFACE,
          NO_WINDOW,
          openRequest(1),
          frame(FRAME.data, FLAG.endStream, 1, whole),
        ]),
      ),
    };
    // It is neither slow nor evil: there is no news.
    const watching = await attack(sidecar, Buffer.concat([HELLO, watchHealth]));
    const trickle = setInterval(() => {
      slow['a body that trickles'].socket.write(frame(FRAME.data, FLAG.none, 1, Buffer.from([0])));
    }, 2_000);
    t.after(() => clearInterval(trickle));
    for (const [name, { closed }] of Object.entries(slow)) await until(name, closed);
    assert.equal(await refused(sidecar, 'slow'), 6 - (await refused(sidecar, 'stuck')));
    assert.equal(watching.closed(), false);
    assert.ok(watching.received().includes(Buffer.from([0, 0, 0, 0, 2, 8, 1])), 'it is serving');
    await answered(t, honest);
  });

  test('requests that are held open on many connections do not add up', async (t) => {
    const { sidecar, honest } = await victim();
    const before = await residentMib(sidecar);
    const holding: EvilConnection[] = [];
    for (let n = 0; n < 20; n += 1) {
      const requests = Array.from({ length: 1_000 }, (_, k) =>
        openRequest(2 * k + 1, k % 4 === 0 ? MANY_HEADERS : {}),
      );
      holding.push(await attack(sidecar, Buffer.concat([HELLO, ...requests])));
    }
    await until('some to be dropped', () => open(holding) <= 2);
    // It has not said that it has taken note of the settings, which Node holds nobody else to.
    const large = await attack(sidecar, Buffer.concat([HELLO, openRequest(1, TOO_MANY_HEADERS)]));
    await until('headers that are too large to be refused', large.closed);
    assert.equal(await refused(sidecar, 'headers'), 1);
    const growth = (await residentMib(sidecar)) - before;
    t.diagnostic(`${open(holding)} of 20 are open; it has grown by ${growth.toFixed(0)} MiB`);
    assert.ok(growth < MOST_GROWTH_MIB, `${growth} MiB`);
    await until('the rest to be dropped', () => open(holding) === 0);
    await answered(t, honest);
  });

  test('asking by reflection without reading the answers costs what one answer does', async (t) => {
    const { sidecar, honest } = await victim();
    const before = await residentMib(sidecar);
    // Field 4 is the name of a symbol; its answer is a hundred times as long.
    const symbol = Buffer.from('tollgate.v1.Tollgate');
    const question = Buffer.concat([Buffer.from([0x22, symbol.length]), symbol]);
    const one = Buffer.concat([Buffer.from([0, 0, 0, 0, question.length]), question]);
    const many = Buffer.concat(Array.from({ length: 500 }, () => one));
    const evil = connectHttp2(`http://${sidecar.address}`, { settings: { initialWindowSize: 0 } });
    evil.on('error', () => {});
    let asked = 0;
    for (const version of ['v1', 'v1alpha']) {
      const stream = evil.request({
        ':method': 'POST',
        ':path': `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      stream.on('error', () => {});
      const ask = () => {
        if (stream.destroyed) return;
        asked += 500;
        stream.write(many, () => ask());
      };
      ask();
    }
    await until('its connection to be dropped', () => evil.destroyed);
    const growth = (await residentMib(sidecar)) - before;
    t.diagnostic(`${asked} questions were sent; it has grown by ${growth.toFixed(0)} MiB`);
    assert.ok(asked > 1_000 && asked < 20_000, `${asked} questions were taken`);
    assert.ok(growth < MOST_GROWTH_MIB, `${growth} MiB`);
    await answered(t, honest);
  });

  test('floods end their own connection, and no other', async (t) => {
    const { sidecar, honest } = await victim();
    const before = await residentMib(sidecar);
    const ping = frame(FRAME.ping, FLAG.none, 0, Buffer.alloc(8));
    const floods: Record<string, (n: number) => Buffer> = {
      'streams that are reset at once': (n) => {
        const stream = 2 * n + 1;
        return Buffer.concat([
          openRequest(stream),
          frame(FRAME.reset, FLAG.none, stream, Buffer.from([0, 0, 0, 8])),
        ]);
      },
      'pings whose answers nobody reads': () => ping,
      'settings whose answers nobody reads': () => SETTINGS,
      'continuations without end': (n) =>
        n === 0
          ? frame(FRAME.headers, FLAG.none, 1, headerBlock(AUTHORIZE))
          : frame(9, 0, 1, Buffer.alloc(0)),
    };
    for (const [name, make] of Object.entries(floods)) {
      const evil = await attack(sidecar, HELLO);
      if (/nobody reads/.test(name)) evil.socket.pause();
      let n = 0;
      while (!evil.closed() && n < 500_000) {
        const some = Array.from({ length: 1_000 }, () => make(n++));
        await new Promise<void>((resolve) =>
          evil.socket.write(Buffer.concat(some), () => resolve()),
        );
        // Else this process never gets to see that it is closed.
        await setImmediate();
      }
      t.diagnostic(`${name}: closed after ${n}`);
      assert.ok(evil.closed(), `${name}: not closed after ${n}`);
    }
    const growth = (await residentMib(sidecar)) - before;
    t.diagnostic(`it has grown by ${growth.toFixed(0)} MiB`);
    assert.ok(growth < MOST_GROWTH_MIB, `${growth} MiB`);
    await answered(t, honest);
  });

  test('what is too large is refused: a message, what it unpacks to, metadata', async (t) => {
    const { sidecar, honest } = await victim();
    const codeOf = (more: object, tool: string, metadata = new Metadata()) =>
      new Promise<number>((resolve) => {
        const client = new (loadApi().tollgate.v1.Tollgate)(
          sidecar.address,
          credentials.createInsecure(),
          more,
        );
        const request = { agent_id: 'evil', tool };
        client.authorize(request, metadata, { deadline: Date.now() + 10_000 }, (error) => {
          client.close();
          resolve(error?.code ?? status.OK);
        });
      });
    const large = 'x'.repeat(5_000_000);
    assert.equal(await codeOf({}, large), status.RESOURCE_EXHAUSTED);
    const packed = { 'grpc.default_compression_algorithm': 2 };
    assert.equal(
      await codeOf(packed, 'x'.repeat(60_000)),
      status.INVALID_ARGUMENT,
      'it is unpacked',
    );
    assert.equal(await codeOf(packed, large), status.RESOURCE_EXHAUSTED);
    const metadata = new Metadata();
    for (let n = 0; n < 100; n += 1) metadata.set(`x-${n}`, 'x'.repeat(10_000));
    assert.notEqual(await codeOf({}, 'search', metadata), status.OK);
    await answered(t, honest);
  });

  test('the probes and the page take no body, no other file, no endless headers and one request at a time', async (t) => {
    const { sidecar, honest } = await victim();
    const ready = sidecar.log.find(({ ops }) => ops !== undefined);
    const ports = [String(ready?.['ops']), new URL(String(ready?.['page'])).host];
    const LARGE = 'x'.repeat(1_000_000);
    const requests: [string, RegExp][] = [
      ['GET /../../etc/passwd HTTP/1.1\r\nhost: localhost\r\n\r\n', /^HTTP.1.1 404/],
      ['GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nhost: localhost\r\n\r\n', /^HTTP.1.1 404/],
      ['GET /index.html\0.css HTTP/1.1\r\nhost: localhost\r\n\r\n', /^HTTP.1.1 40/],
      [
        `POST /metrics HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${LARGE.length}\r\n\r\n${LARGE}`,
        /^$/,
      ],
      [`GET / HTTP/1.1\r\nhost: localhost\r\nx: ${LARGE}\r\n\r\n`, /^$/],
      ['GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n'.repeat(1_000), /^$/],
      ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', /^HTTP.1.1 400/],
    ];
    for (const address of ports) {
      for (const [sent, expected] of requests) {
        const evil = await evilConnection(address, Buffer.from(sent));
        connections.push(evil);
        await until(
          `an answer to ${sent.slice(0, 40)}`,
          () => evil.received().length > 0 || evil.closed(),
        );
        assert.match(evil.received().toString().slice(0, 40), expected, sent.slice(0, 40));
      }
      // Each a packet of tiny requests, as many as are read of one, whose answers nobody reads.
      const tiny = Buffer.from('GET /metrics HTTP/1.1\r\n\r\n'.repeat(300));
      const many = await Promise.all(
        Array.from({ length: 400 }, () => evilConnection(address, tiny)),
      );
      connections.push(...many);
      await until('all to be dropped', () => open(many) === 0);
      const idle = await Promise.all(
        Array.from({ length: 1_000 }, () => evilConnection(address, Buffer.from('GET / HTTP'))),
      );
      connections.push(...idle);
      await until('all but some to be dropped', () => open(idle) <= 256);
    }
    assert.equal((await sidecar.ops('/readyz')).status, 200);
    await answered(t, honest);
  });
});
