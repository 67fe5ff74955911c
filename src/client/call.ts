import { randomUUID } from 'node:crypto';
import type { Backend, Outcome } from './backend.js';
import type { Backlog } from './backlog.js';
import { type Clock, waitMs } from './clock.js';
import { type Decision, isAlone } from './decision.js';
import { DeniedError, retryMs } from './denied.js';
import { CallError } from './error.js';
import { headersOf, runIn, scopeOfCall } from './lineage.js';
import type { AskedCall, OnDenied } from './spec.js';
import { textOf } from './text.js';
import { NOTHING, type Reported, type Usage, withReport } from './usage.js';
import type { Warnings } from './warnings.js';

/** What an admitted call's work is given. */
export interface Grant {
  readonly callId: string;
  readonly decision: Decision;
  /** The token that calls caused by this one carry; '' if there is none. */
  readonly lineage: string;
  /** As it was authorized, to be handed on to the provider. */
  readonly maxTokensOut: number | undefined;
  /** As it was given to the call, to be handed on. */
  readonly signal: AbortSignal | undefined;
  /**
   * Reports what the call has used: the provider's response or its usage object as it came, or amounts
   * by name. May be called again: named amounts are merged, of providers' objects the last counts.
   * Never throws: what cannot be used is a warning.
   */
  used(usage: Usage | object | null | undefined): void;
  /** Reports what the call did cost. */
  cost(usd: number): void;
  /** The request was never sent: what the call holds is given back. @param why a text, or the error */
  release(why?: unknown): void;
  /** What a request to another process takes along, so that its calls count as caused by this one. */
  headers(): Record<string, string>;
}

/** What all calls of a gate share. */
export interface Ways {
  readonly backend: Backend;
  readonly backlog: Backlog;
  readonly clock: Clock;
  readonly warnings: Warnings;
  readonly onDenied: OnDenied;
  readonly maxWaitMs: number;
}

/**
 * One call from Authorize to Settle, which goes on after it.
 * @returns what the work returned, or the denial if the call is to tell it
 */
export async function makeCall<T>(
  ways: Ways,
  asked: AskedCall,
  work: (grant: Grant) => T | PromiseLike<T>,
): Promise<T | DeniedError> {
  const { call, decision } = await decide(ways, asked);
  if (decision.verdict !== 'allow') {
    const denied = new DeniedError(call, decision);
    if ((call.spec.onDenied ?? ways.onDenied) === 'tell') return denied;
    throw denied;
  }
  const { grant, end } = openGrant(ways, call, decision);
  let result: T;
  try {
    result = await runIn(scopeOfCall(call.scope, call.callId, decision.lineage), () => work(grant));
  } catch (error) {
    end(isCancelled(error, call.spec.signal) ? 'cancelled' : 'error');
    throw error;
  }
  end('ok');
  return result;
}

/**
 * Asks, and where denials are waited out, asks again. Whoever is not told ALLOW keeps no hold.
 * @returns the call as it was asked last: an id whose answer was lost is given back, not used again
 */
async function decide(
  ways: Ways,
  asked: AskedCall,
): Promise<{ call: AskedCall; decision: Decision }> {
  const { signal, onDenied = ways.onDenied, maxWaitMs = ways.maxWaitMs } = asked.spec;
  const { clock } = ways;
  const giveUpAtMs = clock.nowMs() + maxWaitMs;
  // A final call is charged for good when it is admitted: under another id it would be so twice.
  const mayRename = asked.spec.callId === undefined && !asked.spec.final;
  signal?.throwIfAborted();
  let call = asked;
  let decision: Decision | undefined;
  let held = false;
  try {
    for (;;) {
      try {
        decision = await unlessAborted(ways, call, ways.backend.authorize(call));
      } catch (error) {
        // The id is finished by an earlier try of ours, whose answer was lost.
        if (!decision || !held || !isFinished(error)) throw error;
        break;
      }
      held = mayHold(decision) || (held && isAlone(decision));
      if (decision.verdict === 'allow' || onDenied !== 'wait') break;
      const ms = waitMs(retryMs(decision), giveUpAtMs - clock.nowMs(), Math.random);
      if (ms === undefined) break;
      if (held && mayRename) {
        release(ways, call, 'no answer came');
        call = { ...call, callId: randomUUID() };
        held = false;
      }
      await clock.pause(ms, signal);
    }
  } catch (error) {
    if (held) release(ways, call, 'given up');
    throw error;
  }
  if (held && decision.verdict !== 'allow') release(ways, call, 'no answer came');
  return { call, decision };
}

/** The decision, or at once the signal's reason; what is then admitted is given back. */
function unlessAborted(
  ways: Ways,
  call: AskedCall,
  deciding: Promise<Decision>,
): Promise<Decision> {
  const { signal } = call.spec;
  if (!signal) return deciding;
  return new Promise((resolve, reject) => {
    const abort = () => {
      reject(signal.reason);
      ways.backlog.expect(
        deciding.then((decision) => {
          if (mayHold(decision)) release(ways, call, 'given up');
        }),
      );
    };
    signal.addEventListener('abort', abort, { once: true });
    deciding.finally(() => signal.removeEventListener('abort', abort)).then(resolve, reject);
  });
}

/** Whether the sidecar holds something for the call, as far as anybody knows. */
function mayHold({ verdict, degraded }: Decision): boolean {
  return degraded === 'unanswered' || (verdict === 'allow' && degraded !== 'unreachable');
}

function isFinished(error: unknown): boolean {
  return error instanceof CallError && error.code === 'ALREADY_EXISTS';
}

/** Gives a call back that will not be made. One that is final is settled, and is not given back. */
function release({ backend, backlog }: Ways, call: AskedCall, why: string): void {
  if (call.spec.final) return;
  backlog.add({
    name: `the release of ${nameOf(call)}`,
    loss: 'it stays charged',
    tell: (nth) => backend.release(call, why, nth),
  });
}

/** The grant for the work, and what ends it. */
function openGrant(
  ways: Ways,
  call: AskedCall,
  decision: Decision,
): { grant: Grant; end(outcome: Outcome): void } {
  const { warnings } = ways;
  const { spec } = call;
  const what = whatOf(call);
  let reported = NOTHING;
  let released = false;
  // A final call is settled when it is admitted, but for one that nobody may have recorded.
  let over = spec.final === true && !isAlone(decision);

  function used(usage: unknown): void {
    if (over) {
      warnings.once(
        `late: ${what}`,
        `${nameOf(call)} was settled before its usage came: that is not counted`,
      );
      return;
    }
    const next = withReport(reported, usage);
    reported = next.reported;
    if (next.problem !== '') {
      warnings.once(
        `usage: ${what}: ${next.problem}`,
        `the usage of ${nameOf(call)} cannot be read: ${next.problem}`,
      );
    }
  }

  return {
    grant: {
      callId: call.callId,
      decision,
      lineage: decision.lineage,
      maxTokensOut: spec.maxTokensOut,
      signal: spec.signal,
      used,
      cost: (costUsd) => used({ costUsd }),
      release(why = 'not sent') {
        if (over || released) return;
        released = true;
        release(ways, call, textOf(why));
      },
      headers: () => headersOf(scopeOfCall(call.scope, call.callId, decision.lineage)),
    },
    end(outcome) {
      if (over) return;
      over = true;
      // It may have cost money, or never have been sent: in neither case is it known to be free.
      if (reported === NOTHING && (released || outcome !== 'ok')) return;
      if (reported === NOTHING && spec.model !== undefined) {
        warnings.once(
          `unreported: ${what}`,
          `nothing was reported of ${nameOf(call)}: it is settled at its estimate; call grant.used(response)`,
        );
      }
      settle(ways, call, reported, outcome, isAlone(decision));
    },
  };
}

function settle(
  { backend, backlog, warnings }: Ways,
  call: AskedCall,
  reported: Reported,
  outcome: Outcome,
  alone: boolean,
): void {
  const amounts = `${JSON.stringify(reported.usage)} ${reported.usageJson}`.trim();
  backlog.add({
    name: `the settlement of ${nameOf(call)}`,
    loss: `it used ${amounts}`,
    async tell(nth) {
      const problem = await backend.settle(call, reported, outcome, alone, nth);
      if (problem === '') return;
      warnings.once(
        `unread: ${whatOf(call)}: ${problem}`,
        `the sidecar cannot read the usage of ${nameOf(call)}: it ${problem}; name the amounts instead: ${amounts}`,
      );
    },
  });
}

function whatOf({ spec }: AskedCall): string {
  return spec.tool ?? spec.model ?? '';
}

function nameOf(call: AskedCall): string {
  const what = whatOf(call);
  return what === '' ? `call ${call.callId}` : `call ${call.callId} to ${what}`;
}

function isCancelled(error: unknown, signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true || (error instanceof Error && error.name === 'AbortError');
}
