import type { Call } from '../model/call.js';
import { MAX_TEXT_BYTES, textProblem } from '../model/text.js';
import type { AuthorizeRequest__Output } from './generated/tollgate/v1/AuthorizeRequest.js';

export const MAX_TOKENS = 1_000_000_000;
export const MAX_COST_USD = 1_000_000;
/** Four texts of {@link MAX_TEXT_BYTES} and a signature, in base64. */
export const MAX_LINEAGE_BYTES = 2_048;
export const MAX_LABELS = 16;
export const MAX_LABEL_NAME_BYTES = 64;

/** The greatest instant that google.protobuf.Timestamp allows: the year 9999. */
const MAX_TIMESTAMP_SECONDS = 253_402_300_799;
const MIN_TIMESTAMP_SECONDS = -62_135_596_800;

const TEXT_FIELDS = [
  'call_id',
  'agent_id',
  'team_id',
  'cost_centre',
  'instance',
  'tool',
  'model',
  'provider',
  'operation',
  'run_id',
  'parent_call_id',
  'fingerprint',
] as const;

const TOKEN_FIELDS = ['tokens_in', 'tokens_out', 'max_tokens_out', 'input_bytes'] as const;

/** Reads a request: the call, or every field that is wrong and why, one a line. */
export function decodeCall(request: AuthorizeRequest__Output): Call | { violations: string[] } {
  const violations: string[] = [];
  for (const field of TEXT_FIELDS) {
    const problem = textProblem(request[field], MAX_TEXT_BYTES);
    if (problem) violations.push(`${field}: ${problem}`);
  }
  if (request.agent_id === '') violations.push('agent_id: is required');
  if (request.agent_id === '*') violations.push('agent_id: must not be *, which means every agent');
  const parentProblem = textProblem(request.parent, MAX_LINEAGE_BYTES);
  if (parentProblem) violations.push(`parent: ${parentProblem}`);
  for (const field of TOKEN_FIELDS) {
    const tokens = request[field];
    if (!(tokens >= 0 && tokens <= MAX_TOKENS)) {
      violations.push(`${field}: must be from 0 to ${MAX_TOKENS}`);
    }
  }
  const cost = request.estimated_cost;
  if (cost !== undefined && !(cost >= 0 && cost <= MAX_COST_USD)) {
    violations.push(`estimated_cost: must be a finite number of USD from 0 to ${MAX_COST_USD}`);
  }
  const { timestamp } = request;
  if (timestamp && !isTimestamp(Number(timestamp.seconds), timestamp.nanos)) {
    violations.push('timestamp: is outside the years 1 to 9999');
  }
  addLabelViolations(request.labels, violations);
  if (violations.length > 0) return { violations };
  return {
    callId: request.call_id,
    agent: request.agent_id,
    team: request.team_id,
    costCentre: request.cost_centre,
    instance: request.instance,
    tool: request.tool,
    model: request.model,
    provider: request.provider,
    operation: request.operation,
    run: request.run_id,
    parent: request.parent,
    parentCallId: request.parent_call_id,
    rootAgent: '',
    depth: 0,
    fingerprint: request.fingerprint,
    tokensIn: request.tokens_in,
    tokensOut: request.tokens_out,
    maxTokensOut: request.max_tokens_out,
    inputBytes: request.input_bytes,
    estimatedCostUsd: cost,
    final: request.final,
    timestampMs: timestamp
      ? Number(timestamp.seconds) * 1000 + Math.floor(timestamp.nanos / 1e6)
      : undefined,
    labels: request.labels,
  };
}

function isTimestamp(seconds: number, nanos: number): boolean {
  return (
    seconds >= MIN_TIMESTAMP_SECONDS &&
    seconds <= MAX_TIMESTAMP_SECONDS &&
    nanos >= 0 &&
    nanos <= 999_999_999
  );
}

function addLabelViolations(labels: Record<string, string>, violations: string[]): void {
  const names = Object.keys(labels);
  if (names.length > MAX_LABELS) violations.push(`labels: are more than ${MAX_LABELS}`);
  // The first few are enough to name; the count above is already a violation.
  for (const name of names.slice(0, MAX_LABELS)) {
    const nameProblem = name === '' ? 'is empty' : textProblem(name, MAX_LABEL_NAME_BYTES);
    if (nameProblem) violations.push(`labels: a name ${nameProblem}`);
    const problem = textProblem(labels[name] ?? '', MAX_TEXT_BYTES);
    if (problem) violations.push(`labels.${nameProblem ? '?' : name}: ${problem}`);
  }
}
