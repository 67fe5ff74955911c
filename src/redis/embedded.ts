import type { Socket } from 'node:net';
import type { RedisAddress } from './address.js';
import { type Scripts, withoutShebang } from './scripts.js';

/** A small Redis inside this process: not shared, nothing kept. For a first try and for tests. */
export interface EmbeddedRedis {
  readonly address: RedisAddress;
  /** The scripts as this engine takes them. */
  adapt(scripts: Scripts): Scripts;
  close(): Promise<void>;
}

/** Starts it on a free port of the loopback. */
export async function startEmbeddedRedis(): Promise<EmbeddedRedis> {
  // Loaded here only: it costs 20 MB, and a sidecar with a real Redis never needs it.
  const { createRedisServer } = await import('js-redis-server');
  const engine = await createRedisServer({ compatibility: 'redis-7.0' });
  // Its sockets wait for Nagle's algorithm, which stalls bursts by 40 ms.
  engine.server.server.on('connection', (socket: Socket) => socket.setNoDelay(true));
  return {
    address: {
      mode: 'single',
      nodes: [{ host: engine.host, port: engine.port }],
      path: undefined,
      tls: false,
      username: undefined,
      password: undefined,
      db: 0,
    },
    adapt: (scripts) =>
      Object.fromEntries(
        Object.entries(scripts).map(([name, script]) => [name, withoutShebang(script)]),
      ) as Scripts,
    close: () => engine.close(),
  };
}
