import type { Backend, Outcome } from './backend.js';
import { type Decision, isAlone } from './decision.js';
import { DeniedError, retryMs } from './denied.js';
import { failureFrom } from './error.js';
import { headersOf, runIn, scopeOfCall } from './lineage.js';
import type { Settlements } from './settlements.js';
import type { AskedCall, OnDenied } from './spec.js';
import { NOTHING, type Usage, withReport } from './usage.js';
import { pause, waitMs } from './wait.js';
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
   */
  used(usage: Usage | object | null | undefined): void;
  /** Reports what the call did cost. */
  cost(usd: number): void;
  /** The request was never sent: what the call holds is given back. */
  release(why?: string): void;
  /** What a request to another process takes along, so that its calls count as caused by this one. */
  headers(): Record<string, string>;
}

/** What all calls of a gate share. */
export interface Ways {
  readonly backend: Backend;
  readonly settlements: Settlements;
  readonly warnings: Warnings;
  readonly onDenied: OnDenied;
  readonly maxWaitMs: number;
}

/**
 * One call from Authorize to Settle. Settling goes on after it, but for where too many settlements
 * are under way; losing one is a warning.
 * @returns what the work returned, or the denial if the call is to tell it
 */
export async function makeCall<T>(
  ways: Ways,
  call: AskedCall,
  work: (grant: Grant) => T | PromiseLike<T>,
): Promise<T | DeniedError> {
  const decision = await decide(ways, call);
  if (decision.verdict === 'deny') {
    const denied = new DeniedError(call, decision);
    if ((call.spec.onDenied ?? ways.onDenied) === 'tell') return denied;
    throw denied;
  }
  const { grant, end } = openGrant(ways, call, decision);
  let result: T;
  try {
    result = await runIn(scopeOfCall(call.scope, call.callId, decision.lineage), () => work(grant));
  } catch (error) {
    await end(isCancelled(error, call.spec.signal) ? 'cancelled' : 'error');
    throw error;
  }
  await end('ok');
  return result;
}

/** Asks, and where denials are waited out, asks again. Whoever is not told ALLOW keeps no hold. */
async function decide(ways: Ways, call: AskedCall): Promise<Decision> {
  const { signal, onDenied = ways.onDenied, maxWaitMs = ways.maxWaitMs } = call.spec;
  const giveUpAtMs = performance.now() + maxWaitMs;
  signal?.throwIfAborted();
  let decision: Decision | undefined;
  try {
    for (;;) {
      decision = await unlessAborted(ways, call, ways.backend.authorize(call));
      if (decision.verdict === 'allow' || onDenied !== 'wait') break;
      const ms = waitMs(retryMs(decision), giveUpAtMs - performance.now(), Math.random);
      if (ms === undefined) break;
      await pause(ms, signal);
    }
  } catch (error) {
    if (decision) giveBack(ways, call, decision, 'given up');
    throw error;
  }
  if (decision.verdict === 'deny') giveBack(ways, call, decision, 'no answer came');
  return decision;
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
      deciding.then(
        (decision) => giveBack(ways, call, decision, 'given up'),
        () => {},
      );
    };
    signal.addEventListener('abort', abort, { once: true });
    deciding.finally(() => signal.removeEventListener('abort', abort)).then(resolve, reject);
  });
}

/** Releases a call that will not be made, if the sidecar may hold something for it. */
function giveBack(ways: Ways, call: AskedCall, decision: Decision, why: string): void {
  const { verdict, degraded } = decision;
  const held = degraded === 'unanswered' || (verdict === 'allow' && degraded !== 'unreachable');
  if (held && !call.spec.final) release(ways, call, why);
}

function release({ backend, settlements, warnings }: Ways, call: AskedCall, why: string): void {
  settlements.add(
    backend.release(call, why).catch((error: unknown) => {
      warnings.say(
        `the release of ${nameOf(call)} is lost (${detailsOf(error)}): it stays charged`,
      );
    }),
  );
}

/** The grant for the work, and what ends it. */
function openGrant(
  ways: Ways,
  call: AskedCall,
  decision: Decision,
): { grant: Grant; end(outcome: Outcome): Promise<void> | undefined } {
  const { warnings } = ways;
  const { spec } = call;
  let reported = NOTHING;
  let released = false;
  // A final call is settled when it is admitted, but for one that nobody may have recorded.
  let over = spec.final === true && !isAlone(decision);

  function used(usage: unknown): void {
    if (over) {
      warnings.once(
        'late',
        `${nameOf(call)} was settled before its usage came: that is not counted`,
      );
      return;
    }
    const next = withReport(reported, usage);
    if (typeof next !== 'string') reported = next;
    else warnings.once('usage', `the usage of ${nameOf(call)} cannot be read: ${next}`);
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
        release(ways, call, why);
      },
      headers: () => headersOf(scopeOfCall(call.scope, call.callId, decision.lineage)),
    },
    end(outcome) {
      if (over) return undefined;
      over = true;
      // It may have cost money, or never have been sent: in neither case is it known to be free.
      if (reported === NOTHING && (released || outcome !== 'ok')) return undefined;
      if (reported === NOTHING && spec.model !== undefined) {
        warnings.once(
          'unreported',
          `nothing was reported of ${nameOf(call)}: it is settled at its estimate; call grant.used(response)`,
        );
      }
      return ways.settlements.add(
        ways.backend.settle(call, reported, outcome, isAlone(decision)).catch((error: unknown) => {
          const amounts = `${JSON.stringify(reported.usage)} ${reported.usageJson}`.trim();
          warnings.say(
            `the settlement of ${nameOf(call)} is lost (${detailsOf(error)}): it used ${amounts}`,
          );
        }),
      );
    },
  };
}

function nameOf({ callId, spec }: AskedCall): string {
  const what = spec.tool ?? spec.model;
  return what === undefined ? `call ${callId}` : `call ${callId} to ${what}`;
}

function detailsOf(error: unknown): string {
  return failureFrom(error)?.details ?? String(error);
}

function isCancelled(error: unknown, signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true || (error instanceof Error && error.name === 'AbortError');
}
