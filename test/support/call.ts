import type { Call } from '../../src/model/call.js';

/** A call of agent `a` with nothing else to it, but for what is given. */
export function callOf(given: Partial<Call> = {}): Call {
  return {
    callId: '',
    agent: 'a',
    team: '',
    costCentre: '',
    instance: '',
    tool: '',
    model: '',
    provider: '',
    operation: '',
    run: '',
    parent: '',
    parentCallId: '',
    rootAgent: '',
    depth: 0,
    fingerprint: '',
    tokensIn: 0,
    tokensOut: 0,
    maxTokensOut: 0,
    inputBytes: 0,
    estimatedCostUsd: undefined,
    final: false,
    timestampMs: undefined,
    labels: {},
    ...given,
  };
}
