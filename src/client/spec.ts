import { CallError } from './error.js';
import type { Scope } from './lineage.js';
import { textOf } from './text.js';

/** What a denial does: throws, waits until the call could pass, or is returned for the agent to read. */
export type OnDenied = 'raise' | 'wait' | 'tell';

/** One LLM or tool call that is about to be made. Text is at most 256 bytes. */
export interface CallSpec<M extends OnDenied = OnDenied> {
  /** The tool, e.g. `search`. */
  readonly tool?: string | undefined;
  /** The model, e.g. `gpt-4o`. */
  readonly model?: string | undefined;
  /** Who serves the model, e.g. `openai`. */
  readonly provider?: string | undefined;
  /** What is asked of it, e.g. `chat`. */
  readonly operation?: string | undefined;
  /** The provider's max_tokens: with the model's price, most of the estimate. */
  readonly maxTokensOut?: number | undefined;
  /** Input tokens, where they are known. */
  readonly tokensIn?: number | undefined;
  /** Size of the input in bytes, where its tokens are not known. */
  readonly inputBytes?: number | undefined;
  /** What the call costs, where it is known; else tokens and prices tell. */
  readonly estimatedCostUsd?: number | undefined;
  /** A hash of the tool's arguments, equal for equal calls. */
  readonly fingerprint?: string | undefined;
  /** At most 16 more attributes, matched as `labels.NAME`. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** The call is settled at its estimate when it is admitted: for tools with a flat price. */
  readonly final?: boolean | undefined;
  /** The call's id: one per call, and the same when that call is asked again. Default: a new UUID. */
  readonly callId?: string | undefined;
  /** Default: the gate's. */
  readonly onDenied?: M | undefined;
  /** Default: the gate's. */
  readonly maxWaitMs?: number | undefined;
  /** Gives the call up before it is made; afterwards it is for the work to heed. */
  readonly signal?: AbortSignal | undefined;
}

/** One call with all that was known when it was made; every try at it asks for the same. */
export interface AskedCall {
  readonly callId: string;
  readonly spec: CallSpec;
  /** The call or run that it is made in. */
  readonly scope: Scope;
  readonly askedAtMs: number;
}

/** What is wrong with what a gate or a call says of denials; '' if nothing is. */
export function waitingProblem({
  onDenied = 'raise',
  maxWaitMs = 0,
}: Pick<CallSpec, 'onDenied' | 'maxWaitMs'>): string {
  if (!['raise', 'wait', 'tell'].includes(onDenied)) {
    return `onDenied: ${textOf(onDenied)} is none of raise, wait, tell`;
  }
  return typeof maxWaitMs === 'number' && maxWaitMs >= 0
    ? ''
    : `maxWaitMs: ${textOf(maxWaitMs)} is no time from 0`;
}

const COUNTS = ['maxTokensOut', 'tokensIn', 'inputBytes'] as const;

/** Refuses what the wire would quietly turn into something else: a NaN into 0, a half into a whole. */
export function assertSpec(spec: CallSpec): void {
  const problem = waitingProblem(spec);
  if (problem !== '') throw new CallError('INVALID_ARGUMENT', problem);
  for (const name of COUNTS) {
    const count = spec[name];
    if (count !== undefined && !(Number.isSafeInteger(count) && count >= 0)) {
      throw new CallError('INVALID_ARGUMENT', `${name}: ${count} is no whole number from 0`);
    }
  }
}
