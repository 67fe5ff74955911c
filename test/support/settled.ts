import { NOTHING } from '../../src/model/amounts.js';
import type { SettledEntry } from '../../src/model/entry.js';
import { factsOf } from '../../src/store/facts.js';
import { callOf } from './call.js';

/** A call of an agent that was settled at so much. */
export function settledAt(atMs: number, agent: string, costNano: number): SettledEntry {
  return {
    id: `${atMs}-0`,
    atMs,
    kind: 'settled',
    facts: factsOf(callOf({ callId: `${agent}-${atMs}`, agent })),
    state: 'settled',
    final: true,
    late: false,
    returned: false,
    ranOut: false,
    outcome: 'ok',
    held: NOTHING,
    settled: { costNano, costSource: 'caller', tokensIn: 0, tokensOut: 0 },
  };
}

const DAY_MS = 86_400_000;

/** An agent that spent so much on each of some days up to the one before, at noon in UTC. */
export function dailyUntil(nowMs: number, agent: string, usd: readonly number[]): SettledEntry[] {
  const todayMs = Math.floor(nowMs / DAY_MS) * DAY_MS;
  return usd.map((amount, at) =>
    settledAt(todayMs - (usd.length - at) * DAY_MS + DAY_MS / 2, agent, amount * 1e9),
  );
}
