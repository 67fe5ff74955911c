import type { Alert } from '../../model/alert.js';
import type { Subject } from '../../store/alerts.js';
import type { KnownAgent } from '../fleet/agent.js';
import type { WatchedEntry } from '../watch.js';

/** What stands for the rule where a halt denies: the halt itself was told. */
const HALT = 'halt';

/** An agent that was denied is blocked until it has been quiet for so long: a loop asks far more often. */
const QUIET_MS = 60_000;

/** A halt without an end is over when somebody resumes the agent, and not before this: a hundred years. */
const NEVER_MS = 100 * 365 * 86_400_000;

/** What an entry of the ledger says: that something happens, or that it is over. */
export type Said =
  | {
      readonly says: 'alert';
      /** What it is of: while that is open it is not told again. */
      readonly subject: Subject;
      /** Told once: the subject, or this one time that it has happened. */
      readonly once: Subject;
      readonly alert: Alert;
      /** When it is over, unless it happens again; undefined of what has no end. */
      readonly overMs: number | undefined;
    }
  | { readonly says: 'over'; readonly subject: Subject };

/** What people are told of an entry; undefined if nothing. */
export function saidBy(
  entry: WatchedEntry,
  aboutAgent: (agent: string) => KnownAgent | undefined,
): Said | undefined {
  const team = (agent: string) => aboutAgent(agent)?.team ?? '';
  switch (entry.kind) {
    case 'denied': {
      if (entry.rule === HALT) return undefined;
      const { facts, rule, partition, metric, used, limit, retryAtUs, run } = entry;
      const atMs = entry.lastUs / 1000;
      const untilMs = retryAtUs > 0 ? retryAtUs / 1000 : undefined;
      const subject = JSON.stringify(['denied', rule, partition || facts.agent]);
      return {
        says: 'alert',
        subject,
        once: subject,
        alert: {
          ...{ event: 'denied', agent: facts.agent, team: facts.team, rule, partition },
          ...{ counted: metric && { metric, used, limit }, tool: facts.tool, run },
          ...{ by: '', why: '', atMs, untilMs },
        },
        overMs: Math.max(atMs + QUIET_MS, untilMs ?? 0),
      };
    }
    case 'halted': {
      const { agent, rule, by, why, untilUs, atMs } = entry;
      const untilMs = untilUs > 0 ? untilUs / 1000 : undefined;
      return {
        says: 'alert',
        subject: haltSubject(agent),
        once: JSON.stringify(['halted', agent, entry.id]),
        alert: {
          ...{ event: 'halted', agent, team: team(agent), rule, partition: '' },
          ...{ counted: undefined, tool: '', run: '', by, why, atMs, untilMs },
        },
        overMs: untilMs ?? atMs + NEVER_MS,
      };
    }
    case 'resumed':
      return { says: 'over', subject: haltSubject(entry.agent) };
    case 'threshold': {
      const { agent, rule, partition, metric, amount, limit, atMs } = entry;
      const subject = JSON.stringify(['threshold', rule, partition, amount]);
      return {
        says: 'alert',
        subject,
        once: subject,
        alert: {
          ...{ event: 'threshold', agent, team: team(agent), rule, partition },
          ...{ counted: { metric, used: amount, limit }, tool: '', run: '' },
          ...{ by: '', why: '', atMs, untilMs: undefined },
        },
        overMs: undefined,
      };
    }
    case 'granted':
      return undefined;
  }
}

function haltSubject(agent: string): Subject {
  return JSON.stringify(['halted', agent]);
}
