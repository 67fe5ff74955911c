import type { Backend } from './backend.js';
import type { Channel } from './channel.js';
import { type Decision, decisionFrom, isTransient, plainDecision } from './decision.js';
import { CallError, failureFrom } from './error.js';
import { createLine, type Line } from './line.js';
import { authorizeRequest, type Identity, releaseRequest, settleRequest } from './request.js';
import { retry } from './retry.js';
import type { ClientTls } from './secure.js';
import type { Warnings } from './warnings.js';

/** What is answered when the sidecar is not there. */
export type FailureMode = 'allow' | 'deny';

export interface RemoteOptions {
  readonly address: string;
  /** For an address with TLS. */
  readonly tls: ClientTls;
  readonly identity: Identity;
  readonly runId: string;
  readonly failureMode: FailureMode;
  /** Of the first try; each further one has twice as long. */
  readonly timeoutMs: number;
}

/** Somebody waits for the verdict. */
const MOST_TRIES = 3;

/** The time of all tries, in that of the first: with 250 ms, all is over within two seconds. */
const ALL_TRIES = 1 + 2 + 4;

/** Where doubling ends for settlements, but for a first timeout that is longer: an answer takes 50 ms. */
const MAX_TIMEOUT_MS = 2_000;

/** When to ask again if there is no sidecar: about as long as a container takes to start. */
const AWAY_RETRY_MS = 1_000;

/** Calls that are asked at once: what a sidecar decides in a fraction of its 50 ms, and not many more. */
const MOST_AT_ONCE = 32;

/** One per sidecar for the process, whose gates share it. */
const lines = new Map<string, Line>();

/** The sidecar at an address, over gRPC. It connects, and loads gRPC, at the first call. */
export function remoteBackend(options: RemoteOptions, warnings: Warnings): Backend {
  const { address, tls, identity, runId, failureMode, timeoutMs } = options;
  const line = lines.get(address) ?? createLine(MOST_AT_ONCE);
  lines.set(address, line);
  let opening: Promise<Channel> | undefined;
  let away = false;

  function channel(): Promise<Channel> {
    opening ??= import('./channel.js').then(({ openChannel }) => openChannel(address, true, tls));
    return opening;
  }

  /** The verdict without a sidecar. @param sent it may have admitted the call all the same */
  function decideAlone(
    callId: string,
    sent: boolean,
    reason = 'no tollgate sidecar answers',
  ): Decision {
    return plainDecision(failureMode, callId, {
      degraded: sent ? 'unanswered' : 'unreachable',
      ...(failureMode === 'deny' ? { reason, retryAfterMs: AWAY_RETRY_MS } : {}),
    });
  }

  function sayAway(details: string): void {
    if (away) return;
    away = true;
    warnings.say(
      `no sidecar answers at ${address} (${details}): calls are ` +
        (failureMode === 'allow'
          ? 'ALLOWED without a check, and recorded when it is back'
          : 'denied'),
    );
    // Only more words: whatever becomes of it, the calls are decided.
    sayTrouble().catch(() => {});
  }

  /** gRPC does not say to a call that waits what is wrong with TLS. */
  async function sayTrouble(): Promise<void> {
    const { tlsTrouble } = await import('./trouble.js');
    const why = await tlsTrouble(address, tls);
    if (away && why) warnings.say(`the sidecar at ${address} cannot be used: ${why}`);
  }

  function sayBack(): void {
    if (away) warnings.say(`the sidecar at ${address} answers again`);
    away = false;
  }

  function longerEach(nth: number): number {
    return Math.min(timeoutMs * 2 ** nth, Math.max(timeoutMs, MAX_TIMEOUT_MS));
  }

  return {
    async authorize(call) {
      const request = authorizeRequest(call, identity, runId);
      const giveUpAtMs = performance.now() + timeoutMs * ALL_TRIES;
      const { authorize } = await channel();
      // Whoever has a turn has time for a try.
      if (!(await line.enter(timeoutMs * (ALL_TRIES - 1)))) {
        warnings.once('line', `calls come faster than the sidecar at ${address} answers`);
        return decideAlone(call.callId, false, 'too many calls are asked about at once');
      }
      let sent = false;
      try {
        const response = await retry(
          (tryTimeoutMs) =>
            authorize(request, tryTimeoutMs).catch((error: unknown) => {
              const failure = failureFrom(error);
              sent ||= failure?.lost === true && failure.sent;
              throw error;
            }),
          (answer) => {
            const again = isTransient(answer);
            sent ||= again;
            return !again;
          },
          // One that is known to be away is asked once: a restart is ridden out by the first calls.
          { most: away ? 1 : MOST_TRIES, firstTimeoutMs: timeoutMs, giveUpAtMs },
        );
        sayBack();
        return decisionFrom(response);
      } catch (error) {
        const failure = failureFrom(error);
        if (!failure) throw error;
        if (failure.lost) sayAway(failure.sent ? failure.details : 'no connection');
        // The id is finished by an earlier try of ours: not the caller's to mend.
        else if (failure.code !== 'ALREADY_EXISTS' || !sent) {
          throw new CallError(failure.code, failure.details);
        }
        return decideAlone(call.callId, sent);
      } finally {
        line.leave();
      }
    },

    async settle(call, reported, outcome, alone, nth) {
      const request = settleRequest(call, identity, runId, reported, outcome, alone);
      const { settle } = await channel();
      return (await settle(request, longerEach(nth))).usage_problem;
    },

    async release(call, why, nth) {
      const { release } = await channel();
      await release(releaseRequest(call, identity, why), longerEach(nth));
    },

    async close() {
      (await opening)?.close();
    },
  };
}
