import { isUtf8 } from 'node:buffer';
import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { parsePolicy } from './parse.js';
import type { Policy } from './policy.js';
import type { PolicyError } from './source.js';

/**
 * How often the file's identity is looked at. By polling and not by inotify: Kubernetes swaps a
 * symlink two levels up, which a watch on the file itself never sees.
 */
const POLL_MS = 1_000;

/** A changed file is read once it has not changed for so long: one more poll. */
const SETTLE_MS = POLL_MS + 200;

/** Why a file gave no policy. */
export interface PolicyRefusal {
  readonly errors: readonly PolicyError[];
}

/** Reads and checks a policy file; a file that cannot be read is one more mistake. */
export function readPolicy(file: string): Policy | PolicyRefusal {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { errors: [{ line: 1, column: 1, message: `the file cannot be read: ${message}` }] };
  }
  if (!isUtf8(bytes)) {
    const lines = bytes.toString('latin1').split('\n');
    const bad = lines.findIndex((line) => !isUtf8(Buffer.from(line, 'latin1')));
    return { errors: [{ line: bad + 1, column: 1, message: 'the line is not valid UTF-8' }] };
  }
  return parsePolicy(bytes.toString('utf8'));
}

/**
 * Reads the file anew whenever it changes, and when asked to.
 * @param onChange gets the new policy, or why there is none; not called if the text stayed the same
 */
export function watchPolicy(
  file: string,
  current: Policy,
  onChange: (next: Policy | PolicyRefusal) => void,
): { reload(): void; close(): void } {
  let hash = current.hash;
  let settling: NodeJS.Timeout | undefined;

  function take(force: boolean): void {
    const next = readPolicy(file);
    if ('hash' in next && next.hash === hash && !force) return;
    hash = 'hash' in next ? next.hash : '';
    onChange(next);
  }

  /** An editor may be half-way through writing, so the file is read when it has come to rest. */
  const listener = () => {
    clearTimeout(settling);
    settling = setTimeout(() => take(false), SETTLE_MS);
  };
  watchFile(file, { interval: POLL_MS, persistent: false }, listener);
  return {
    reload: () => take(true),
    close() {
      clearTimeout(settling);
      unwatchFile(file, listener);
    },
  };
}
