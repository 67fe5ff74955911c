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
