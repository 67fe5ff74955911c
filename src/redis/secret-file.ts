import { accessSync, constants, readFileSync } from 'node:fs';

/** What cannot be read or used at the moment: what of it is used instead, and why. */
export type OnFileProblem = (what: string, why: string) => void;

/** Says each problem once, until it is over or another: a client that reconnects meets it twice a second. */
export function saidOnce(
  what: string,
  onProblem: OnFileProblem,
): (why: string | undefined) => void {
  let said: string | undefined;
  return (why) => {
    if (why !== undefined && why !== said) onProblem(what, why);
    said = why;
  };
}

/**
 * A file with a secret in it that may be replaced at any time. It never throws: a file that is missing for a
 * moment must end nothing, so what it had is what it has, and the other end says whether it still is right.
 * @returns reads it; undefined if it was never there
 */
export function secretFile(
  file: string,
  what: string,
  onProblem: OnFileProblem,
): () => string | undefined {
  const say = saidOnce(what, onProblem);
  let last: string | undefined;
  return () => {
    try {
      last = readFileSync(file, 'utf8').trim();
      say(undefined);
    } catch (error) {
      say(error instanceof Error ? error.message : String(error));
    }
    return last;
  };
}

/** Whether this process may read it now: asked at the start, so that a wrong path is said at once. */
export function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
