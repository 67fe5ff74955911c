import { type Amounts, NOTHING } from '../model/amounts.js';
import type { FailureReason } from '../model/decision.js';
import { readAmounts } from './amounts.js';

/** Reply codes of lua/authorize.lua, by number. */
const CODES = [
  'denied',
  'allowed',
  'repeated',
  'finished',
  'mismatched',
  'late',
  'halted',
] as const;
export type Code = (typeof CODES)[number];

/** What one window says, in the order of the question. */
export interface WindowAnswer {
  readonly used: number;
  /** Microseconds; 0 if it would let the call pass, undefined if it never will. */
  readonly retryAfterUs: number | undefined;
  readonly resetAfterUs: number;
  readonly denied: boolean;
  readonly shadowDenied: boolean;
  /** Bit i: the call raised threshold i. */
  readonly raised: number;
  /** What grants add to the limit. */
  readonly granted: number;
}

/** A halt as Redis keeps it. */
export interface StoredHalt {
  readonly everyone: boolean;
  readonly sinceUs: number;
  /** 0 until somebody resumes the agent. */
  readonly untilUs: number;
  /** JSON, as whoever ordered it wrote it. */
  readonly text: string;
}

export interface Answer {
  readonly code: Code;
  /** When the script ran, on the Redis clock. */
  readonly nowUs: number;
  readonly repeats: number;
  /** What the call holds; for a repeat, since it was admitted. */
  readonly held: Amounts;
  readonly windows: readonly WindowAnswer[];
  /** What stops the agent, with the code halted. */
  readonly halt: StoredHalt | undefined;
}

/** There is no answer. */
export interface Failure {
  readonly failed: FailureReason;
  /** The script may have run all the same: only the reply is missing. */
  readonly mayHaveRun: boolean;
}

const HEAD = 7;
const PER_WINDOW = 6;

/** Reads the flat reply that lua/include/decide.lua describes. */
export function parseAnswer(reply: readonly (number | string)[]): Answer {
  const [code = -1, nowUs = 0, repeats = 0] = reply as readonly number[];
  const name = CODES[code];
  if (name === undefined) throw new Error(`reply code ${code} of the script is unknown`);
  const nothing = { code: name, nowUs, repeats: 0, held: NOTHING, windows: [], halt: undefined };
  if (name === 'late') return nothing;
  if (name === 'halted') {
    const [everyone, sinceUs, untilUs, text] = reply.slice(2);
    const halt = {
      everyone: everyone === 1,
      sinceUs: Number(sinceUs),
      untilUs: Number(untilUs),
      text: String(text),
    };
    return { ...nothing, halt };
  }
  const windows: WindowAnswer[] = [];
  for (let at = HEAD; at < reply.length; at += PER_WINDOW) {
    const numbers = reply.slice(at, at + PER_WINDOW) as number[];
    const [used = 0, retryAfter = 0, resetAfterUs = 0, flags = 0, raised = 0, granted = 0] =
      numbers;
    windows.push({
      used,
      retryAfterUs: retryAfter < 0 ? undefined : retryAfter,
      resetAfterUs,
      denied: (flags & 1) !== 0,
      shadowDenied: (flags & 2) !== 0,
      raised,
      granted,
    });
  }
  return { code: name, nowUs, repeats, held: readAmounts(reply, 3), windows, halt: undefined };
}

/**
 * What Redis says instead of running a script, by the first word of its error. ERR is not among
 * them: a script that failed half-way begins so too.
 */
const REFUSALS: Readonly<Record<string, FailureReason>> = {
  OOM: 'oom',
  LOADING: 'loading',
  READONLY: 'readonly',
  MASTERDOWN: 'readonly',
  NOREPLICAS: 'noreplicas',
  MISCONF: 'misconf',
  BUSY: 'busy',
  NEWER: 'newer',
  NOPERM: 'denied',
  NOAUTH: 'denied',
  WRONGPASS: 'denied',
};

/** A script that its user may not run to the end: what it had written until then stays. */
const FORBIDDEN_WITHIN = /^ERR The user executing the script can't /;

/** One funnel for whatever the connection throws. */
export function failureFrom(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error);
  // Words in capitals are Redis' own; everything else is the connection's.
  const word = /^([A-Z]{2,})\b/.exec(message)?.[1];
  if (word !== undefined && word !== 'ERR') {
    return { failed: REFUSALS[word] ?? 'unavailable', mayHaveRun: false };
  }
  if (FORBIDDEN_WITHIN.test(message)) return { failed: 'denied', mayHaveRun: true };
  if (message.includes('enableOfflineQueue')) return { failed: 'unavailable', mayHaveRun: false };
  return { failed: word === 'ERR' ? 'error' : 'unavailable', mayHaveRun: true };
}
