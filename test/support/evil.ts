import { connect, type Socket } from 'node:net';
import type { SidecarProcess } from './sidecar.js';

/** What a client of HTTP/2 begins with. */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/** The frames that an evil client sends, by number. */
export const FRAME = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goaway: 7 } as const;

export const FLAG = { none: 0, endStream: 1, endHeaders: 4 } as const;

export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** The header block of a call, each field spelt out; HPACK at its plainest. */
export function headerBlock(path: string, more: Readonly<Record<string, string>> = {}): Buffer {
  const fields = {
    ':method': 'POST',
    ':scheme': 'http',
    ':path': path,
    ':authority': 'tollgate',
    'content-type': 'application/grpc',
    te: 'trailers',
    ...more,
  };
  return Buffer.concat(
    Object.entries(fields).map(([name, value]) =>
      Buffer.concat([Buffer.from([0]), text(name), text(value)]),
    ),
  );
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  if (bytes.length >= 127) throw new Error('longer than one byte of length can say');
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

export const AUTHORIZE = '/tollgate.v1.Tollgate/Authorize';

/** A connection that says what it likes. */
export interface EvilConnection {
  readonly socket: Socket;
  /** Until the other side has had enough. */
  readonly closed: () => boolean;
  /** What came back. */
  readonly received: () => Buffer;
}

/** Connects, and sends this. */
export async function evilConnection(address: string, sent: Buffer): Promise<EvilConnection> {
  const socket = connect(Number(address.split(':').at(-1)), '127.0.0.1');
  let closed = false;
  const received: Buffer[] = [];
  socket.on('data', (bytes) => {
    received.push(bytes);
  });
  socket.on('error', () => {});
  socket.once('close', () => {
    closed = true;
  });
  await new Promise((resolve) => {
    socket.once('connect', resolve);
    socket.once('close', resolve);
  });
  socket.write(sent);
  return { socket, closed: () => closed, received: () => Buffer.concat(received) };
}

/** An agent that keeps asking while something goes on, on its connection. */
export interface Honest {
  /** How long each answer took, in ms, so far. */
  readonly tookMs: number[];
  /** Stops asking. @throws what a call got instead of an answer */
  stop(): Promise<void>;
}

/** More than any call waits that is answered; far less than an attack lasts. */
const PATIENCE_MS = 10_000;

export function startHonest({ channel }: SidecarProcess): Honest {
  const tookMs: number[] = [];
  let stopped = false;
  const asking = (async () => {
    while (!stopped) {
      const startedMs = performance.now();
      await channel.authorize({ agent_id: 'honest', tool: 'search' }, PATIENCE_MS);
      tookMs.push(performance.now() - startedMs);
      // Some hundred calls a second: an agent, not a load test.
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
  })();
  asking.catch(() => {});
  return {
    tookMs,
    stop() {
      stopped = true;
      return asking;
    },
  };
}

/** Resident memory of a sidecar, in MiB. */
export async function residentMib(sidecar: SidecarProcess): Promise<number> {
  return (await sidecar.metric('process_resident_memory_bytes')) / 2 ** 20;
}
