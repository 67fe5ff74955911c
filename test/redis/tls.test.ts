import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_ACCESS } from '../../src/redis/access.js';
import { fixOf } from '../../src/redis/fix.js';
import { tlsOptions } from '../../src/redis/tls.js';

test('TLS asks for the name of the settings, else for that of the host, and for no address', () => {
  const cases: [serverName: string, host: string | undefined, asked: string | undefined][] = [
    ['', 'redis.example', 'redis.example'],
    ['', '127.0.0.1', undefined],
    ['', '::1', undefined],
    ['', undefined, undefined],
    ['redis.example', '127.0.0.1', 'redis.example'],
    ['redis.example', 'node-1', 'redis.example'],
  ];
  for (const [serverName, host, asked] of cases) {
    const options = tlsOptions({ ...NO_ACCESS, serverName }, () => {})(host);
    assert.equal(options.servername, asked, `${serverName} ${host}`);
  }
});

test('who is connected by TLS already is not told to use it', () => {
  assert.match(fixOf('connection closed', { tls: false }), /may want TLS .*rediss/);
  assert.doesNotMatch(fixOf('connection closed', { tls: true }), /rediss/);
});
