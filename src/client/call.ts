import { randomUUID } from 'node:crypto';
import { waitMs } from './clock.js';
import { type Decision, isAlone } from './decision.js';
import { DeniedError, retryMs } from './denied.js';
import { CallError } from './error.js';
import { type Grant, openGrant, release, type Ways } from './grant.js';
import { runIn, scopeOfCall } from './lineage.js';
import type { AskedCall } from './spec.js';

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

function isCancelled(error: unknown, signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true || (error instanceof Error && error.name === 'AbortError');
}
