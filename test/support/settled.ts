import { NOTHING } from '../../src/model/amounts.js';
import type { SettledEntry } from '../../src/model/entry.js';

/** A call of an agent that was settled at so much. */
export function settledAt(atMs: number, agent: string, costNano: number): SettledEntry {
  return {
    id: `${atMs}-0`,
    atMs,
    kind: 'settled',
    facts: {
      callId: `${agent}-${atMs}`,
      agent,
      team: '',
      costCentre: '',
      instance: '',
      tool: '',
      model: '',
      provider: '',
      operation: '',
      run: '',
      parentCallId: '',
      rootAgent: agent,
      depth: 0,
      fingerprint: '',
      timestampMs: undefined,
      labels: {},
    },
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
