import { connect, createServer, type Socket } from 'node:net';

/** A TCP proxy before a Redis, which can lose what comes back. */
export interface LossyProxy {
  readonly port: number;
  /**
   * What becomes of replies: passed on, held back for a time, swallowed with all that follow, or the connection cut as
   * soon as the first byte of one comes (the script has run, nobody is told).
   */
  replies: 'pass' | 'swallow' | 'cut' | { readonly delayMs: number };
  close(): void;
}

export async function startProxy(targetPort: number): Promise<LossyProxy> {
  const sockets = new Set<Socket>();
  const server = createServer((downstream) => {
    // A stream from which bytes are missing is never passed on again.
    let broken = false;
    const upstream = connect(targetPort, '127.0.0.1');
    for (const socket of [downstream, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        downstream.destroy();
        upstream.destroy();
      });
    }
    downstream.on('data', (bytes) => upstream.write(bytes));
    /** What is held back, in order: whichever timer comes first, the first of them goes first. */
    const held: Buffer[] = [];
    const pass = (bytes: Buffer | undefined) => {
      if (bytes && downstream.writable) downstream.write(bytes);
    };
    upstream.on('data', (bytes) => {
      const { replies } = proxy;
      broken ||= replies === 'swallow';
      if (broken) return;
      if (replies === 'cut') downstream.destroy();
      else if (replies === 'pass' && held.length === 0) pass(bytes);
      else {
        held.push(bytes);
        setTimeout(() => pass(held.shift()), typeof replies === 'object' ? replies.delayMs : 0);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const proxy: LossyProxy = {
    port: typeof address === 'object' && address ? address.port : 0,
    replies: 'pass',
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
  return proxy;
}
