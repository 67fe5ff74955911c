import type { AuthorizeRequest } from '../wire/generated/tollgate/v1/AuthorizeRequest.js';
import type { Outcome as WireOutcome } from '../wire/generated/tollgate/v1/Outcome.js';
import type { ReleaseRequest } from '../wire/generated/tollgate/v1/ReleaseRequest.js';
import type { SettleRequest } from '../wire/generated/tollgate/v1/SettleRequest.js';
import type { Outcome } from './backend.js';
import type { AskedCall } from './spec.js';
import type { Reported } from './usage.js';

/** Who calls. '' is left to the sidecar, which may know. */
export interface Identity {
  readonly agent: string;
  readonly team: string;
  readonly costCentre: string;
  readonly instance: string;
}

/** The spec's fields by their names in the API. */
const FIELDS = {
  tool: 'tool',
  model: 'model',
  provider: 'provider',
  operation: 'operation',
  maxTokensOut: 'max_tokens_out',
  tokensIn: 'tokens_in',
  inputBytes: 'input_bytes',
  estimatedCostUsd: 'estimated_cost',
  fingerprint: 'fingerprint',
  labels: 'labels',
  final: 'final',
} as const;

const USAGE_FIELDS = {
  provider: 'provider',
  model: 'model',
  tokensIn: 'tokens_in',
  tokensOut: 'tokens_out',
  cachedTokensIn: 'cached_tokens_in',
  cacheWriteTokensIn: 'cache_write_tokens_in',
  costUsd: 'cost',
} as const;

const IDENTITY_FIELDS = {
  agent: 'agent_id',
  team: 'team_id',
  costCentre: 'cost_centre',
  instance: 'instance',
} as const;

/**
 * What is there, under the API's names. The rest is left out, as the wire would carry even an empty
 * text; an amount of 0 is one.
 */
function renamed<Names extends Readonly<Record<string, string>>>(
  from: Readonly<{ [Name in keyof Names]?: unknown }>,
  names: Names,
): Record<string, unknown> {
  const to: Record<string, unknown> = {};
  for (const name in names) {
    const value = from[name];
    if (value !== undefined && value !== '') to[names[name] as string] = value;
  }
  return to;
}

/** The same request whenever it is made of the same call. @param runId the gate's own run */
export function authorizeRequest(
  { callId, spec, scope, askedAtMs }: AskedCall,
  identity: Identity,
  runId: string,
): AuthorizeRequest {
  const request: AuthorizeRequest = {
    call_id: callId,
    ...renamed(identity, IDENTITY_FIELDS),
    ...renamed(spec, FIELDS),
    timestamp: { seconds: Math.floor(askedAtMs / 1000), nanos: (askedAtMs % 1000) * 1_000_000 },
  };
  if (scope.lineage !== '') {
    // The run is that of the parent.
    request.parent = scope.lineage;
    return request;
  }
  const run = scope.runId || runId;
  if (run !== '') request.run_id = run;
  if (scope.callId !== '') request.parent_call_id = scope.callId;
  return request;
}

const OUTCOMES: Readonly<Record<Outcome, WireOutcome>> = {
  ok: 'OUTCOME_OK',
  error: 'OUTCOME_ERROR',
  cancelled: 'OUTCOME_CANCELLED',
};

export function settleRequest(
  call: AskedCall,
  identity: Identity,
  runId: string,
  { usage, usageJson }: Reported,
  outcome: Outcome,
  alone: boolean,
): SettleRequest {
  const request: SettleRequest = {
    call_id: call.callId,
    ...renamed(identity, IDENTITY_FIELDS),
    ...renamed({ provider: call.spec.provider, model: call.spec.model, ...usage }, USAGE_FIELDS),
    outcome: OUTCOMES[outcome],
  };
  // Should the sidecar have been away at Authorize, this is all that is known of the call. Not else: a
  // call whose hold has been forgotten would be taken for one that nobody has authorized.
  if (alone) request.call = authorizeRequest(call, identity, runId);
  if (usageJson !== '') request.usage_json = usageJson;
  return request;
}

export function releaseRequest(call: AskedCall, identity: Identity, why: string): ReleaseRequest {
  return { call_id: call.callId, ...renamed(identity, IDENTITY_FIELDS), why };
}
