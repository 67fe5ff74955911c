import { recordKey, WINDOW_SLICES, windowKey } from './keys.js';

/** What a rule does in the script; the numbers are those of lua/include/decide.lua. */
export const KIND = { alert: 0, block: 1, shadow: 2, halt: 3 } as const;

/** How the script is asked: to decide, to deny whatever the windows say, or to charge regardless. */
export const MODE = { decide: 0, deny: 1, force: 2 } as const;

/** How long, and how often, a repeat is answered with the first verdict. */
export const REPEAT_FOR_US = 60_000_000;
export const REPEAT_MAX = 8;

/**
 * Where a window ends: a length that slides; or the starts of the previous period, the current, the
 * next and the one after it, by the sidecar's clock.
 */
export type Span =
  | { readonly windowUs: number }
  | { readonly edgesUs: readonly [number, number, number, number] };

/** One rule's window in a question. Amounts are whole, up to 9 * 10^15. */
export interface WindowQuestion {
  readonly rule: string;
  readonly shape: string;
  readonly partition: string;
  readonly kind: keyof typeof KIND;
  readonly amount: number;
  readonly limit: number;
  readonly span: Span;
  /** In the unit of the limit, ascending. */
  readonly thresholds: readonly number[];
}

/** One call, as the script is asked about it. */
export interface Question {
  readonly domain: string;
  readonly agent: string;
  readonly callId: string;
  /** Id of this attempt to decide: the same in every sending of it, different in a caller's retry. */
  readonly attempt: string;
  /** Of everything in the request but its id and timestamp. */
  readonly digest: string;
  readonly mode: keyof typeof MODE;
  readonly windows: readonly WindowQuestion[];
}

export function questionKeys({ domain, agent, callId, windows }: Question): string[] {
  const keys = [recordKey(domain, agent, callId)];
  for (const w of windows) keys.push(windowKey(domain, w.rule, w.shape, w.partition));
  return keys;
}

export function questionArguments(question: Question, notAfterUs: number): (string | number)[] {
  const args = [
    notAfterUs,
    question.attempt,
    question.digest,
    MODE[question.mode],
    REPEAT_FOR_US,
    REPEAT_MAX,
  ];
  for (const w of question.windows) {
    if ('edgesUs' in w.span) throw new Error('the script takes no calendar window');
    args.push(KIND[w.kind], w.amount, w.limit, sliceUs(w.span.windowUs));
    args.push(w.thresholds.length, ...w.thresholds);
  }
  return args;
}

/** The length of a slice, so that WINDOW_SLICES of them cover the window. */
export function sliceUs(windowUs: number): number {
  return Math.ceil(windowUs / WINDOW_SLICES);
}
