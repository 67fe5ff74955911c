import type { Backend, Outcome } from './backend.js';
import type { Backlog } from './backlog.js';
import type { Clock } from './clock.js';
import { type Decision, isAlone } from './decision.js';
import { headersOf, scopeOfCall } from './lineage.js';
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

/** Gives a call back, in the background. One that is final is settled, and is not given back. */
export function release({ backend, backlog }: Ways, call: AskedCall, why: string): void {
  if (call.spec.final) return;
  backlog.add({
    name: `the release of ${nameOf(call)}`,
    loss: 'it stays charged',
    tell: (nth) => backend.release(call, why, nth),
  });
}

/** The grant for the work, and what ends it. */
export function openGrant(
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
