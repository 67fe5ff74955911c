import { createServer, type Server } from 'node:net';

/** A sentinel that says what a test wants. */
export interface StubSentinel {
  readonly port: number;
  /** The port of the master that it names; 0: it gives no answer, and holds on to whoever asks. */
  names: number;
  /** How often it was asked. */
  readonly asked: () => number;
  stop(): void;
}

export async function startStubSentinel(names: number): Promise<StubSentinel> {
  let asked = 0;
  const server: Server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (data) => {
      for (const command of String(data).split(/(?=\*\d+\r\n\$)/)) {
        if (/get-master/.test(command)) {
          asked += 1;
          const port = String(stub.names);
          if (stub.names === 0) continue;
          socket.write(`*2\r\n$9\r\n127.0.0.1\r\n$${port.length}\r\n${port}\r\n`);
        } else {
          socket.write(/sentinels/.test(command) ? '*0\r\n' : '+OK\r\n');
        }
      }
    });
  });
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : 0);
    });
  });
  const stub = { port, names, asked: () => asked, stop: () => void server.close() };
  return stub;
}
