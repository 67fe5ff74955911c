import { type Amounts, METRICS, type Metric, NOTHING } from '../model/amounts.js';
import type { Span } from '../model/span.js';
import { amountNumbers } from './amounts.js';
import { OLDEST_FORMAT } from './fleet-format.js';
import {
  type CallName,
  ledgerKey,
  ordersKey,
  recordKey,
  WINDOW_SLICES,
  windowKey,
} from './keys.js';

/** What a rule does in the script; the numbers are those of lua/include/question.lua. */
export const KIND = { alert: 0, block: 1, shadow: 2, halt: 3 } as const;

/**
 * How the script is asked: to decide, to deny whatever the windows say, to charge regardless, to
 * charge a settled call that nobody authorized, or to decide as if there were no halts.
 */
export const MODE = { decide: 0, deny: 1, force: 2, claim: 3, look: 4 } as const;

/** How long, and how often, a repeat is answered with the first verdict. */
export const REPEAT_FOR_US = 60_000_000;
export const REPEAT_MAX = 8;

/** One rule's window in a question. Amounts are whole, up to 9 * 10^15. */
export interface WindowQuestion {
  readonly rule: string;
  readonly shape: string;
  readonly partition: string;
  readonly kind: keyof typeof KIND;
  readonly metric: Metric;
  readonly limit: number;
  readonly span: Span;
  /** In the unit of the limit, ascending. */
  readonly thresholds: readonly number[];
  /** For a halt: how long, 0 until somebody resumes the agent; and what is kept of it, a JSON text. */
  readonly halt: { readonly forUs: number; readonly text: string } | undefined;
}

/** One call, as the script is asked about it. */
export interface Question extends CallName {
  /** Id of this attempt to decide: the same in every sending of it, different in a caller's retry. */
  readonly attempt: string;
  /** Of everything in the request but its id and timestamp. */
  readonly digest: string;
  readonly mode: keyof typeof MODE;
  /** Time since it was asked: 0, but for a call that is charged by force. */
  readonly ageUs: number;
  /** The amounts are what the call has used. */
  readonly final: boolean;
  readonly holdForUs: number;
  readonly settleForUs: number;
  readonly model: string;
  readonly provider: string;
  /** What the ledger says of the call: a line of store/facts. */
  readonly facts: string;
  readonly amounts: Amounts;
  readonly windows: readonly WindowQuestion[];
}

/** A question about nothing, of nobody. */
export function emptyQuestion(domain: string): Question {
  return {
    domain,
    agent: '',
    callId: '',
    attempt: '',
    digest: '',
    mode: 'decide',
    ageUs: 0,
    final: false,
    holdForUs: 0,
    settleForUs: 0,
    model: '',
    provider: '',
    facts: '',
    amounts: NOTHING,
    windows: [],
  };
}

export function questionKeys(question: Question): string[] {
  const { domain } = question;
  const keys = [ordersKey(domain), ledgerKey(domain), recordKey(question)];
  for (const w of question.windows) keys.push(windowKey(domain, w.rule, w.shape, w.partition));
  return keys;
}

/**
 * @param notAfterUs on Redis' clock: later, the script does nothing
 * @param maxEntries bound of the ledger
 * @param format in which new windows and records are kept
 */
export function questionArguments(
  question: Question,
  notAfterUs: number,
  maxEntries: number,
  format = OLDEST_FORMAT,
): (string | number)[] {
  const args = [
    notAfterUs,
    question.agent,
    question.attempt,
    question.digest,
    MODE[question.mode],
    question.ageUs,
    question.final ? 1 : 0,
    REPEAT_FOR_US,
    REPEAT_MAX,
    question.holdForUs,
    question.settleForUs,
    question.model,
    question.provider,
    question.facts,
    maxEntries,
    ...amountNumbers(question.amounts),
    format,
  ];
  for (const w of question.windows) {
    args.push(KIND[w.kind], METRICS.indexOf(w.metric), w.limit);
    if ('edgesUs' in w.span) args.push(-1, ...w.span.edgesUs);
    else args.push(sliceUs(w.span.windowUs));
    args.push(w.thresholds.length, ...w.thresholds);
    if (w.halt) args.push(w.halt.forUs, w.halt.text);
  }
  return args;
}

/** The length of a slice, so that WINDOW_SLICES of them cover the window. */
export function sliceUs(windowUs: number): number {
  return Math.ceil(windowUs / WINDOW_SLICES);
}
