import type { Backend } from './backend.js';
import type { Channel } from './channel.js';
import { type Decision, decisionFrom, plainDecision } from './decision.js';
import { CallError, failureFrom } from './error.js';
import { authorizeRequest, type Identity, releaseRequest, settleRequest } from './request.js';
import { retry, type Tries } from './retry.js';
import type { Warnings } from './warnings.js';

/** What is answered when the sidecar is not there. */
export type FailureMode = 'allow' | 'deny';

export interface RemoteOptions {
  readonly address: string;
  readonly identity: Identity;
  readonly runId: string;
  readonly failureMode: FailureMode;
  /** Of the first try; each further one has twice as long. */
  readonly timeoutMs: number;
}

/** Somebody waits for the verdict: with 250 ms, all is over within two seconds. */
const AUTHORIZE_TRIES = { most: 3, firstPauseMs: 50 };

/** Nobody waits for a settlement: it outlasts a sidecar that starts anew, which takes a few seconds. */
const SETTLE_TRIES = { most: 6, firstPauseMs: 100 };

/** When to ask again if there is no sidecar: about as long as a container takes to start. */
const AWAY_RETRY_MS = 1_000;

/** The sidecar at an address, over gRPC. It connects, and loads gRPC, at the first call. */
export function remoteBackend(options: RemoteOptions, warnings: Warnings): Backend {
  const { address, identity, runId, failureMode, timeoutMs } = options;
  let opening: Promise<Channel> | undefined;
  let away = false;

  function channel(): Promise<Channel> {
    opening ??= import('./channel.js').then(({ openChannel }) => openChannel(address));
    return opening;
  }

  function triesOf(given: Omit<Tries, 'firstTimeoutMs'>): Tries {
    return { ...given, firstTimeoutMs: timeoutMs };
  }

  /** The verdict without a sidecar. */
  function decideAlone(callId: string, sent: boolean, details: string): Decision {
    if (!away) {
      away = true;
      warnings.say(
        `no sidecar answers at ${address} (${details}): calls are ` +
          (failureMode === 'allow'
            ? 'ALLOWED without a check, and recorded afterwards if it comes back in time'
            : 'denied'),
      );
    }
    return plainDecision(failureMode, callId, {
      degraded: sent ? 'unanswered' : 'unreachable',
      ...(failureMode === 'deny'
        ? {
            reason: `no tollgate sidecar answers at ${address} (${details})`,
            retryAfterMs: AWAY_RETRY_MS,
          }
        : {}),
    });
  }

  return {
    async authorize(call) {
      const request = authorizeRequest(call, identity, runId);
      const { authorize } = await channel();
      let sent = false;
      try {
        const response = await retry(
          (tryTimeoutMs) =>
            authorize(request, tryTimeoutMs).catch((error: unknown) => {
              sent ||= failureFrom(error)?.sent ?? false;
              throw error;
            }),
          triesOf(AUTHORIZE_TRIES),
        );
        if (away) warnings.say(`the sidecar at ${address} answers again`);
        away = false;
        return decisionFrom(response);
      } catch (error) {
        const failure = failureFrom(error);
        if (!failure) throw error;
        if (!failure.lost) throw new CallError(failure.code, failure.details);
        return decideAlone(call.callId, sent, failure.details);
      }
    },

    async settle(call, reported, outcome, alone) {
      const request = settleRequest(call, identity, runId, reported, outcome, alone);
      const { settle } = await channel();
      await retry((tryTimeoutMs) => settle(request, tryTimeoutMs), triesOf(SETTLE_TRIES));
    },

    async release(call, why) {
      const request = releaseRequest(call, identity, why);
      const { release } = await channel();
      await retry((tryTimeoutMs) => release(request, tryTimeoutMs), triesOf(SETTLE_TRIES));
    },

    async close() {
      (await opening)?.close();
    },
  };
}
