import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a webhook was sent. */
export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly path: string;
  /** When, ms since the Unix epoch. */
  readonly atMs: number;
}

/** A receiver of webhooks on a free port. */
export interface Receiver {
  readonly url: string;
  readonly received: Received[];
  /** Statuses of the answers to come, with headers; then 200 again. */
  readonly answers: { status: number; headers?: Record<string, string> }[];
  /** Answers nobody until what it gives is called. */
  hold(): () => void;
  /** What is answered at this path is always 404. */
  readonly brokenUrl: string;
  stop(): Promise<void>;
}

const BROKEN = '/broken';

export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const answers: Receiver['answers'] = [];
  let held: Promise<void> | undefined;
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', async () => {
      const { headers, url = '' } = request;
      received.push({ headers, body, path: url, atMs: Date.now() });
      await held;
      const answer = url === BROKEN ? { status: 404 } : (answers.shift() ?? { status: 200 });
      response.writeHead(answer.status, answer.headers);
      response.end('ok');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    hold() {
      let free = () => {};
      held = new Promise((resolve) => {
        free = resolve;
      });
      return () => {
        held = undefined;
        free();
      };
    },
    brokenUrl: `${url}${BROKEN}`,
    received,
    answers,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
