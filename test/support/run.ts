import { AsyncLocalStorage } from 'node:async_hooks';
import { execFile } from 'node:child_process';
import { runProgram } from '../../src/cli/program.js';
import { accessSettings } from './secured.js';
import { MAIN } from './sidecar.js';

/** What one run of the command line gave. */
export interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A command line that runs in this process: its own environment, and what it prints. */
interface Running {
  readonly env: NodeJS.ProcessEnv;
  out: string;
  err: string;
}

const running = new AsyncLocalStorage<Running>();
let diverted = false;

/**
 * Runs `tollgate ARGS`, with nothing of this process' environment but PATH; in this process, since most of
 * what a command takes is the start of Node. Several may run at once.
 */
export async function tollgate(
  args: readonly string[],
  env: Record<string, string> = {},
  input?: string,
): Promise<Run> {
  // What serve logs goes past the stream.
  if (input !== undefined || args[0] === 'serve') return tollgateProcess(args, env, input);
  if (!diverted) divert();
  diverted = true;
  const one: Running = {
    env: { PATH: process.env['PATH'], ...accessAs(args, env), ...env },
    out: '',
    err: '',
  };
  const code = await running.run(one, () => runProgram(args));
  if (code === undefined) throw new Error(`${args[0]} goes on: spawn it`);
  return { code, out: one.out, err: one.err };
}

/** The same as a process of its own: standard input, exit code, and the time that it takes. */
export function tollgateProcess(
  args: readonly string[],
  env: Record<string, string> = {},
  input = '',
): Promise<Run> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [MAIN, ...args],
      {
        env: { PATH: process.env['PATH'], ...accessAs(args, env), ...env },
        maxBuffer: 64 * 1024 * 1024,
      },
      (error, out, err) => resolve({ code: error ? Number(error.code) : 0, out, err }),
    );
    child.stdin?.end(input);
  });
}

/** What people ask by, who may only read. */
const ASKING = ['report', 'explain', 'tail', 'halts', 'export'];

/** Asking is done as a reader, all else as a keeper's user. */
function accessAs([command = '']: readonly string[], env: Record<string, string>) {
  return accessSettings(ASKING.includes(command) ? 'reader' : 'keeper', env['REDIS_URL']);
}

/** From now on a command that runs here sees its own environment, and keeps what it prints. */
function divert(): void {
  const real = process.env;
  const own = () => running.getStore()?.env ?? real;
  process.env = new Proxy(real, {
    get: (_, name) => Reflect.get(own(), name),
    has: (_, name) => Reflect.has(own(), name),
    ownKeys: () => Reflect.ownKeys(own()),
    getOwnPropertyDescriptor: (_, name) => Reflect.getOwnPropertyDescriptor(own(), name),
  });
  for (const [stream, into] of [
    [process.stdout, 'out'],
    [process.stderr, 'err'],
  ] as const) {
    const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
    stream.write = (chunk: string | Uint8Array, ...rest: unknown[]) => {
      const one = running.getStore();
      if (!one) return write(chunk, ...rest);
      one[into] += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
      const done = rest.at(-1);
      if (typeof done === 'function') queueMicrotask(() => done());
      return true;
    };
  }
}
