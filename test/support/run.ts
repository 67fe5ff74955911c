import { execFile } from 'node:child_process';
import { MAIN } from './sidecar.js';

/** What one run of the command line gave. */
export interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs `tollgate ARGS`, with nothing of this process' environment but PATH. */
export function tollgate(
  args: readonly string[],
  env: Record<string, string> = {},
  input = '',
): Promise<Run> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [MAIN, ...args],
      { env: { PATH: process.env['PATH'], ...env }, maxBuffer: 64 * 1024 * 1024 },
      (error, out, err) => resolve({ code: error ? Number(error.code) : 0, out, err }),
    );
    child.stdin?.end(input);
  });
}
