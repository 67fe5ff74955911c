import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { type HttpServer, plain, serveHttp } from '../../src/wire/http.js';
import { until } from '../support/until.js';

const MOST = 8;

describe('a server of probes', () => {
  let server: HttpServer;
  let port = 0;
  const answers: (() => void)[] = [];
  const lost: string[] = [];
  const sockets: Socket[] = [];
  before(async () => {
    server = await serveHttp({ host: '127.0.0.1', port: 0 }, MOST, async (path) => {
      if (path === '/slow') await new Promise<void>((resolve) => answers.push(resolve));
      return { ...plain(200, 'ok\n'), lost: () => lost.push(path) };
    });
    if ('port' in server.address) port = server.address.port;
  });
  after(async () => {
    for (const socket of sockets) socket.destroy();
    await server.close();
  });

  /** A connection that has sent this, and what came back. */
  async function open(sent: string): Promise<{ closed: boolean; text: string }> {
    const state = { closed: false, text: '' };
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    socket.setEncoding('utf8');
    socket.on('data', (text) => {
      state.text += text;
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      state.closed = true;
    });
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.write(sent);
    return state;
  }
  const GET = (path: string) => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`;
  const probe = async () => {
    const state = await open(GET('/livez'));
    await until('an answer', () => state.text !== '' || state.closed);
    return state.text.split('\r\n')[0];
  };

  test('answers whoever asks, however many hold connections and ask nothing', async () => {
    const silent = await Promise.all(
      // One never ends its header lines.
      Array.from({ length: MOST }, (_, n) => open(n === 0 ? 'GET /livez HTTP/1.1\r\nx' : '')),
    );
    assert.equal(await probe(), 'HTTP/1.1 200 OK');
    await until('one to be dropped', () => silent.some(({ closed }) => closed));
    assert.equal(silent.filter(({ closed }) => closed).length, 1, 'and no other');
    for (let n = 0; n < 3 * MOST; n += 1) assert.equal(await probe(), 'HTTP/1.1 200 OK');
  });

  test('answers a probe also where all connections have asked, and wait for what is slow', async () => {
    const slow = await Promise.all(Array.from({ length: MOST }, () => open(GET('/slow'))));
    await until('all to be under way', () => answers.length === MOST);
    assert.equal(await probe(), 'HTTP/1.1 200 OK');
    for (const answer of answers.splice(0)) answer();
    await until('the others to be answered', () => {
      return slow.filter(({ text }) => text.includes('200 OK')).length === MOST - 1;
    });
    assert.equal(slow[0]?.text, '', 'the oldest has gone');
  });

  test('answers one request on a connection, and none that asks for more before', async () => {
    const many = await open(GET('/slow').repeat(3));
    await until('it to be dropped', () => many.closed);
    assert.equal(many.text, '');
    assert.equal(answers.splice(0).length, 1, 'what comes after the first is not begun');
    const long = await open(GET(`/${'x'.repeat(10_000)}`));
    await until('it to be dropped', () => long.closed);
    const one = await open(GET('/livez'));
    await until('it to be ended', () => one.closed);
    assert.match(one.text, /200 OK[\s\S]*connection: close/i);
  });

  test('says of an answer that it was not sent, where who has asked has gone', async () => {
    lost.length = 0;
    await open(GET('/slow'));
    await until('it to be under way', () => answers.length === 1);
    sockets.at(-1)?.resetAndDestroy();
    await probe();
    for (const answer of answers.splice(0)) answer();
    await until('it to be said', () => lost.length > 0);
    assert.deepEqual(lost, ['/slow']);
  });

  test('cuts off who asks nothing for some seconds, before and after a request', async () => {
    const [silent, asked] = await Promise.all([open(''), open(GET('/livez'))]);
    await until('both to be cut off', () => silent.closed && asked.closed);
    assert.match(asked.text, /200 OK/);
  });
});
