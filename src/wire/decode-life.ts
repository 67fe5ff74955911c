import type { Outcome, ReleaseOrder, Settlement } from '../model/settlement.js';
import { MAX_TEXT_BYTES, textProblem } from '../model/text.js';
import { MAX_USAGE_BYTES } from '../pricing/usage.js';
import { decodeCall, MAX_COST_USD, MAX_TOKENS } from './decode.js';
import type { ReleaseRequest__Output } from './generated/tollgate/v1/ReleaseRequest.js';
import type { SettleRequest__Output } from './generated/tollgate/v1/SettleRequest.js';

const IDENTITY_FIELDS = ['call_id', 'agent_id', 'team_id', 'cost_centre', 'instance'] as const;

const TOKEN_FIELDS = [
  'tokens_in',
  'tokens_out',
  'cached_tokens_in',
  'cache_write_tokens_in',
] as const;

const OUTCOMES: Readonly<Record<string, Outcome>> = {
  OUTCOME_OK: 'ok',
  OUTCOME_ERROR: 'error',
  OUTCOME_CANCELLED: 'cancelled',
};

/** Reads a settlement, or every field that is wrong and why, one a line. */
export function decodeSettlement(
  request: SettleRequest__Output,
): Settlement | { violations: string[] } {
  const violations = identityViolations(request);
  for (const field of ['model', 'provider'] as const) {
    const problem = textProblem(request[field], MAX_TEXT_BYTES);
    if (problem) violations.push(`${field}: ${problem}`);
  }
  for (const field of TOKEN_FIELDS) {
    const tokens = request[field];
    if (tokens !== undefined && !(tokens >= 0 && tokens <= MAX_TOKENS)) {
      violations.push(`${field}: must be from 0 to ${MAX_TOKENS}`);
    }
  }
  const { tokens_in, cached_tokens_in = 0, cache_write_tokens_in = 0 } = request;
  if (tokens_in !== undefined && cached_tokens_in + cache_write_tokens_in > tokens_in) {
    violations.push('tokens_in: must include cached_tokens_in and cache_write_tokens_in');
  }
  const { cost } = request;
  if (cost !== undefined && !(cost >= 0 && cost <= MAX_COST_USD)) {
    violations.push(`cost: must be a finite number of USD from 0 to ${MAX_COST_USD}`);
  }
  if (Buffer.byteLength(request.usage_json) > MAX_USAGE_BYTES) {
    violations.push(`usage_json: is over ${MAX_USAGE_BYTES} bytes; send the usage object alone`);
  }
  const { call: whole } = request;
  const call = whole ? decodeCall({ ...whole, ...fillIn(whole, request) }) : undefined;
  if (call && 'violations' in call) {
    violations.push(...call.violations.map((violation) => `call.${violation}`));
  }
  for (const field of whole ? IDENTITY_FIELDS : []) {
    const differs =
      request[field] !== '' && whole?.[field] !== '' && request[field] !== whole?.[field];
    if (differs) violations.push(`call.${field}: differs from ${field}`);
  }
  if (violations.length > 0) return { violations };
  return {
    callId: request.call_id,
    identity: identityOf(whole ? fillIn(request, whole) : request),
    model: request.model,
    provider: request.provider,
    tokensIn: tokens_in,
    tokensOut: request.tokens_out,
    cachedTokensIn: request.cached_tokens_in,
    cacheWriteTokensIn: request.cache_write_tokens_in,
    costUsd: cost,
    usageJson: request.usage_json,
    outcome: OUTCOMES[request.outcome] ?? 'unknown',
    call: call && !('violations' in call) ? call : undefined,
  };
}

/** Reads a release, or every field that is wrong and why, one a line. */
export function decodeRelease(
  request: ReleaseRequest__Output,
): ReleaseOrder | { violations: string[] } {
  const violations = identityViolations(request);
  const problem = textProblem(request.why, MAX_TEXT_BYTES);
  if (problem) violations.push(`why: ${problem}`);
  if (violations.length > 0) return { violations };
  return { callId: request.call_id, identity: identityOf(request), why: request.why };
}

type IdentityFields = Readonly<Record<(typeof IDENTITY_FIELDS)[number], string>>;

function identityViolations(request: IdentityFields): string[] {
  const violations: string[] = [];
  for (const field of IDENTITY_FIELDS) {
    const problem = textProblem(request[field], MAX_TEXT_BYTES);
    if (problem) violations.push(`${field}: ${problem}`);
  }
  for (const field of ['call_id', 'agent_id'] as const) {
    if (request[field] === '') violations.push(`${field}: is required`);
  }
  return violations;
}

function identityOf(request: IdentityFields): Settlement['identity'] {
  return {
    agent: request.agent_id,
    team: request.team_id,
    costCentre: request.cost_centre,
    instance: request.instance,
  };
}

/** The settlement and the call in full are of one identity: what one leaves out, the other fills in. */
function fillIn(into: IdentityFields, from: IdentityFields): IdentityFields {
  const filled = IDENTITY_FIELDS.map((field) => [field, into[field] || from[field]]);
  return Object.fromEntries(filled) as IdentityFields;
}
