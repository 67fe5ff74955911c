import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { until } from './until.js';

/** Why tests in a browser cannot run here; false if they can. In CI nothing is skipped. */
export const NO_BROWSER: string | false = (() => {
  try {
    execFileSync('chromium', ['--version'], { stdio: ['ignore', 'pipe', 'ignore'] });
    return false;
  } catch {
    if (process.env['CI']) throw new Error('chromium is missing, and CI skips nothing');
    return 'chromium is not installed (apt-get install chromium)';
  }
})();

type Json = Record<string, unknown>;

/** One page in a browser of its own, without a window. */
export interface BrowserPage {
  /** A command of the DevTools protocol. */
  send(method: string, params?: Json): Promise<Json>;
  open(url: string): Promise<void>;
  /** The value of an expression in the page; a promise is waited for. */
  evaluate<T>(expression: string): Promise<T>;
  press(key: string): Promise<void>;
  /** The page as PNG. */
  screenshot(): Promise<Buffer>;
  /** What the page has complained of: errors, and what its policy has stopped. */
  readonly complaints: string[];
  stop(): Promise<void>;
}

export async function startBrowser(): Promise<BrowserPage> {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-browser-'));
  const child = spawn(
    'chromium',
    [
      ...['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
      ...['--remote-debugging-pipe', `--user-data-dir=${folder}`, '--window-size=1200,1000'],
      'about:blank',
    ],
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] },
  );
  const protocol = speak(child);
  let session = '';
  const complaints: string[] = [];
  protocol.listen((method, params) => {
    if (method === 'Runtime.exceptionThrown' || method === 'Log.entryAdded') {
      complaints.push(JSON.stringify(params));
    }
  });
  const send = (method: string, params: Json = {}) => protocol.send(method, params, session);
  let target: string | undefined;
  await until('the browser to have a page', async () => {
    const { targetInfos } = (await protocol.send('Target.getTargets', {}, '')) as {
      targetInfos: { type: string; targetId: string }[];
    };
    target = targetInfos.find(({ type }) => type === 'page')?.targetId;
    return target !== undefined;
  });
  const attached = await send('Target.attachToTarget', { targetId: target, flatten: true });
  session = String(attached['sessionId']);
  for (const domain of ['Page', 'Runtime', 'Log', 'Accessibility']) await send(`${domain}.enable`);
  const evaluate = async <T>(expression: string): Promise<T> => {
    const { result, exceptionDetails } = (await send('Runtime.evaluate', {
      ...{ expression, returnByValue: true, awaitPromise: true },
    })) as { result: { value: T }; exceptionDetails?: object };
    if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails));
    return result.value;
  };
  return {
    ...{ send, evaluate, complaints },
    async open(url) {
      await send('Page.navigate', { url });
      await until(`${url} to be loaded`, () =>
        evaluate<boolean>("document.readyState === 'complete'"),
      );
    },
    async press(key) {
      for (const type of ['keyDown', 'keyUp']) await send('Input.dispatchKeyEvent', { type, key });
    },
    async screenshot() {
      const { data } = await send('Page.captureScreenshot', { format: 'png' });
      return Buffer.from(String(data), 'base64');
    },
    async stop() {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      await protocol.send('Browser.close', {}, '').catch(() => child.kill('SIGKILL'));
      await gone;
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** The protocol over the browser's pipes: JSON, with a zero byte after each message. */
function speak(child: ChildProcess): {
  send(method: string, params: Json, session: string): Promise<Json>;
  listen(on: (method: string, params: Json) => void): void;
} {
  const [, , , out, into] = child.stdio as [null, null, null, Writable, Readable];
  const waiting = new Map<number, { resolve(result: Json): void; reject(error: Error): void }>();
  const listeners: ((method: string, params: Json) => void)[] = [];
  let last = 0;
  let rest = '';
  into.setEncoding('utf8');
  into.on('data', (chunk: string) => {
    const messages = (rest + chunk).split('\0');
    rest = messages.pop() ?? '';
    for (const text of messages) {
      const { id, result, error, method, params } = JSON.parse(text);
      if (method) for (const on of listeners) on(method, params);
      const ask = waiting.get(id);
      waiting.delete(id);
      if (error) ask?.reject(new Error(JSON.stringify(error)));
      else ask?.resolve(result);
    }
  });
  out.on('error', () => {});
  child.once('exit', () => {
    for (const { reject } of waiting.values()) reject(new Error('the browser has ended'));
  });
  return {
    send(method, params, session) {
      last += 1;
      const id = last;
      const message = { id, method, params, ...(session && { sessionId: session }) };
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        out.write(`${JSON.stringify(message)}\0`);
      });
    },
    listen: (on) => listeners.push(on),
  };
}
