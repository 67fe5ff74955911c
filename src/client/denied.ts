import type { Decision, Halt, RuleStatus } from './decision.js';
import type { AskedCall, OnDenied } from './spec.js';

/** The call was denied and not made. Thrown by `raise` and `wait`, returned by `tell`. */
export class DeniedError extends Error {
  override readonly name = 'DeniedError';
  readonly decision: Decision;
  /** One sentence for people. */
  readonly reason: string;
  /** The first rule that denied; undefined if none did. */
  readonly rule: RuleStatus | undefined;
  /** Until the same call could pass; undefined if waiting is no help. */
  readonly retryAfterMs: number | undefined;
  /** The agent is stopped, not just this call. */
  readonly halted: boolean;
  /** For the model to read: what was denied, when to try again, what would still fit. */
  readonly tell: string;

  constructor(call: AskedCall, decision: Decision) {
    super(decision.reason);
    this.decision = decision;
    this.reason = decision.reason;
    this.rule = decision.rules.find(({ denied }) => denied);
    this.retryAfterMs = retryMs(decision);
    this.halted = decision.halt !== undefined;
    this.tell = tellOf(call, decision);
  }
}

/** What a call resolves to: with `tell`, perhaps the denial. */
export type Answer<T, M extends OnDenied> = 'tell' extends M ? T | DeniedError : T;

/** When to ask again if Redis was away and no rule knows: it is back in about that, or later. */
const DEGRADED_RETRY_MS = 1_000;

/** Until the same call could pass; undefined if waiting is no help. */
export function retryMs(decision: Decision): number | undefined {
  const { neverFits, retryAfterMs, halt, degraded } = decision;
  if (neverFits) return undefined;
  if (retryAfterMs !== undefined) return retryAfterMs;
  if (halt) return halt.until && Math.max(0, halt.until.getTime() - Date.now());
  return degraded === undefined ? undefined : DEGRADED_RETRY_MS;
}

function tellOf({ spec }: AskedCall, decision: Decision): string {
  const what = spec.tool ?? spec.model;
  return [
    `The call${what === undefined ? '' : ` to ${what}`} was not made: ${sentence(decision.reason)}`,
    decision.halt ? haltAdvice(decision.halt) : advice(decision),
  ].join(' ');
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

function haltAdvice({ until }: Halt): string {
  return until
    ? `You are stopped until ${until.toISOString()}: make no further calls until then.`
    : 'You are stopped until a person resumes you: make no further calls, and say so.';
}

function advice(decision: Decision): string {
  const waitMs = retryMs(decision);
  const { affordableCostUsd: usd, affordableTokensOut: tokens } = decision;
  const fits = [
    usd !== undefined && usd > 0 ? `costs at most $${decimal(usd)}` : '',
    tokens !== undefined && tokens > 0 ? `asks for at most ${counted(tokens, 'output token')}` : '',
  ].filter((part) => part !== '');
  const smaller = fits.length > 0 ? ` A call that ${fits.join(' and ')} passes now.` : '';
  return waitMs === undefined
    ? `Do not repeat it as it is: waiting is no help.${smaller}`
    : `Do not repeat it within the next ${counted(Math.ceil(waitMs / 1000), 'second')}.${smaller}`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** Dollars are whole nano-dollars; a model need not know what 1.2e-7 is. */
function decimal(usd: number): string {
  return usd.toFixed(9).replace(/\.?0+$/, '');
}
