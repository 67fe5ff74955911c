/** Why an agent is stopped. Times are microseconds of the Redis clock. */
export interface Halt {
  /** The agent that is halted; `*` is every agent. */
  readonly agent: string;
  readonly sinceUs: number;
  /** 0 until somebody resumes it. */
  readonly untilUs: number;
  /** The rule that halted it; '' if a person did. */
  readonly rule: string;
  /** The person who halted it; '' if a rule did. */
  readonly by: string;
  /** A sentence. */
  readonly why: string;
}

/** Every agent, where one is named. */
export const EVERYONE = '*';

/** For people: since when and until when. */
export function formatHaltTimes({ sinceUs, untilUs }: Halt): string {
  const since = `since ${formatInstant(sinceUs)}`;
  return untilUs === 0
    ? `${since}, until somebody resumes it`
    : `${since}, until ${formatInstant(untilUs)}`;
}

/** A moment for people, to the second, in UTC. */
export function formatInstant(us: number): string {
  return `${new Date(us / 1000).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
