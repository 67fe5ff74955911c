/** What a command line program ends with. */
export const EXIT = {
  ok: 0,
  /** What was asked about is wrong: a policy with mistakes, a check that failed. */
  wrong: 1,
  /** The command line itself is wrong. */
  usage: 2,
  /** The call was denied. */
  denied: 3,
  /** The sidecar gave no verdict. */
  unreachable: 4,
} as const;

/** One command of the program. */
export interface Command {
  /** The full help, printed for --help and after a usage mistake. */
  readonly help: string;
  /** @returns the exit code, or undefined to stay until a signal comes */
  run(args: string[]): Promise<number | undefined>;
}

/** The command line is wrong; the message says how. */
export class UsageError extends Error {}
