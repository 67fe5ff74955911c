import type { Alert } from '../../model/alert.js';
import { STAND_INS } from '../../model/denier.js';
import type { Rule } from '../../policy/policy.js';
import type { Subject } from '../../store/alerts.js';
import type { WatchedEntry } from '../watch.js';

/** What stands for the rule where no rule of the policy has denied, and people are told otherwise or not at all. */
const UNTOLD: ReadonlySet<string> = new Set([STAND_INS.halt, STAND_INS.degraded]);

/** An agent that was denied is blocked until it has been quiet for so long: a loop asks far more often. */
const QUIET_MS = 60_000;

/** What is denied outright is so tomorrow: it is told anew when it comes after so long. */
const OUTRIGHT_QUIET_MS = 3_600_000;

/** A halt without an end is over when somebody resumes the agent, and not before this: a hundred years. */
const NEVER_MS = 100 * 365 * 86_400_000;

/** What is known beside the entry. */
export interface Beside {
  /** The team of an agent, where the entry does not know it; '' if nobody does. */
  teamOf(agent: string): string;
  /** A rule of the policy in force. */
  ruleOf(id: string): Rule | undefined;
}

/** What an entry of the ledger says. */
export type Said =
  /** Something happens, until a moment unless it happens again. */
  | {
      readonly says: 'open';
      readonly subject: Subject;
      readonly alert: Alert;
      readonly overMs: number;
    }
  /** Something has happened that has no end: a threshold was reached. */
  | { readonly says: 'once'; readonly subject: Subject; readonly alert: Alert }
  /** It is over. */
  | { readonly says: 'over'; readonly subject: Subject }
  /** A rule lets an agent go on. */
  | { readonly says: 'granted'; readonly agent: string; readonly rule: string };

/** What people are told of an entry; undefined if nothing. */
export function saidBy(entry: WatchedEntry, { teamOf, ruleOf }: Beside): Said | undefined {
  switch (entry.kind) {
    case 'denied': {
      const { facts, rule, partition, metric, used, limit, retryAtUs, run } = entry;
      // Of a rule that halts the halt is told.
      if (UNTOLD.has(rule) || ruleOf(rule)?.action === 'halt') return undefined;
      const atMs = entry.lastUs / 1000;
      const untilMs = retryAtUs > 0 ? retryAtUs / 1000 : undefined;
      return {
        says: 'open',
        subject: JSON.stringify(['denied', rule, partition || facts.agent]),
        alert: {
          ...{ event: 'denied', agent: facts.agent, team: facts.team, rule, partition },
          ...{ counted: metric && { metric, used, limit }, tool: facts.tool, run },
          ...{ by: '', why: '', atMs, untilMs },
        },
        overMs: Math.max(atMs + (metric ? QUIET_MS : OUTRIGHT_QUIET_MS), untilMs ?? 0),
      };
    }
    case 'halted': {
      const { agent, rule, by, why, untilUs, atMs, tool, run } = entry;
      const untilMs = untilUs > 0 ? untilUs / 1000 : undefined;
      return {
        says: 'open',
        subject: haltSubject(agent),
        alert: {
          ...{ event: 'halted', agent, team: entry.team || teamOf(agent), rule, partition: '' },
          ...{ counted: undefined, tool, run, by, why, atMs, untilMs },
        },
        overMs: untilMs ?? atMs + NEVER_MS,
      };
    }
    case 'resumed':
      return { says: 'over', subject: haltSubject(entry.agent) };
    case 'threshold': {
      const { agent, rule, partition, metric, amount, limit, atMs, tool, run } = entry;
      return {
        says: 'once',
        subject: JSON.stringify(['threshold', rule, partition, amount]),
        alert: {
          ...{ event: 'threshold', agent, team: entry.team || teamOf(agent), rule, partition },
          ...{ counted: { metric, used: amount, limit }, tool, run },
          ...{ by: '', why: '', atMs, untilMs: undefined },
        },
      };
    }
    case 'granted':
      return { says: 'granted', agent: entry.agent, rule: entry.rule };
  }
}

function haltSubject(agent: string): Subject {
  return JSON.stringify(['halted', agent]);
}
