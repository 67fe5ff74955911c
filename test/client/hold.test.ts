import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeCall } from '../../src/client/call.js';
import { plainDecision } from '../../src/client/decision.js';
import type { Ways } from '../../src/client/grant.js';

type Round = 'unanswered' | 'unreachable' | 'denied' | 'allowed';

/** Waits with an id of its own through rounds that end so; says what was released. */
async function waitThrough(rounds: readonly Round[]): Promise<string[]> {
  const released: string[] = [];
  let nowMs = 0;
  let round = 0;
  const ways = {
    backend: {
      async authorize({ callId }: { callId: string }) {
        const how = rounds[round++];
        const degraded = how === 'unanswered' || how === 'unreachable' ? how : undefined;
        const verdict = how === 'allowed' ? 'allow' : 'deny';
        return plainDecision(verdict, callId, { degraded, retryAfterMs: 1_000 });
      },
    },
    backlog: { add: ({ name }: { name: string }) => released.push(name) },
    clock: {
      nowMs: () => nowMs,
      async pause(ms: number) {
        nowMs += ms;
      },
    },
    onDenied: 'wait',
    // As long as it takes for the rounds, and no longer.
    maxWaitMs: (rounds.length - 1) * 1_100 + 500,
  } as unknown as Ways;
  const call = { callId: 'mine', spec: { callId: 'mine', final: false }, scope: {}, askedAtMs: 0 };
  await makeCall(ways, call as never, () => undefined).catch(() => {});
  return released.filter((name) => name.startsWith('the release'));
}

for (const [rounds, given] of [
  [['unanswered', 'unanswered'], 1],
  [['unanswered', 'unreachable'], 1],
  [['unreachable', 'unreachable'], 0],
  [['unanswered', 'denied'], 0],
  [['unanswered', 'unreachable', 'allowed'], 0],
] as const) {
  test(`a call that waits under its own id, ${rounds.join(', then ')}: ${given ? 'is given back' : 'holds nothing to give back'}`, async () => {
    assert.equal((await waitThrough(rounds)).length, given);
  });
}
