import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { parsePolicy } from './parse.js';
import type { Policy } from './policy.js';
import type { PolicyError } from './source.js';

/**
 * How often the file's identity is looked at. By polling and not by inotify: Kubernetes swaps a
 * symlink two levels up, which a watch on the file itself never sees.
 */
const POLL_MS = 1_000;

/** Why a file gave no policy. */
export interface PolicyRefusal {
  readonly errors: readonly PolicyError[];
}

/** Reads and checks a policy file; a file that cannot be read is one more mistake. */
export function readPolicy(file: string): Policy | PolicyRefusal {
  try {
    return parsePolicy(readFileSync(file, 'utf8'));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { errors: [{ line: 1, column: 1, message: `the file cannot be read: ${message}` }] };
  }
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
  const look = (force: boolean) => {
    const next = readPolicy(file);
    if ('hash' in next) {
      if (next.hash === hash && !force) return;
      hash = next.hash;
    } else {
      hash = '';
    }
    onChange(next);
  };
  const listener = () => look(false);
  watchFile(file, { interval: POLL_MS, persistent: false }, listener);
  return { reload: () => look(true), close: () => unwatchFile(file, listener) };
}
