import type { AuthorizeRequest } from '../wire/generated/tollgate/v1/AuthorizeRequest.js';

/** The article's names for the fields of a call's record, and the API's. */
export const RECORD_FIELDS = {
  callId: 'call_id',
  agentId: 'agent_id',
  teamId: 'team_id',
  costCentre: 'cost_centre',
  instance: 'instance',
  tool: 'tool',
  model: 'model',
  provider: 'provider',
  operation: 'operation',
  runId: 'run_id',
  parentCallId: 'parent_call_id',
  fingerprint: 'fingerprint',
  tokensIn: 'tokens_in',
  tokensOut: 'tokens_out',
  maxTokensOut: 'max_tokens_out',
  estimatedCost: 'estimated_cost',
  timestamp: 'timestamp',
} as const satisfies Record<string, keyof AuthorizeRequest>;

export type RecordField = keyof typeof RECORD_FIELDS;

/** The fields that hold a number. */
export const NUMBER_FIELDS: ReadonlySet<string> = new Set([
  'tokensIn',
  'tokensOut',
  'maxTokensOut',
  'estimatedCost',
]);

/** One call as a file or a command line gives it: field by field, text or number. */
export type CallRecord = Partial<Record<RecordField, string | number>>;

/**
 * A record as the API takes it. Fields that it does not know are left out.
 * @returns the request, or a sentence that says what is wrong with a field
 */
export function requestFromRecord(record: CallRecord): AuthorizeRequest | string {
  const request: Record<string, unknown> = {};
  for (const [field, name] of Object.entries(RECORD_FIELDS)) {
    const value = record[field as RecordField];
    if (value === undefined || value === '') continue;
    if (field === 'timestamp') {
      const ms = parseTimestampMs(value);
      if (Number.isNaN(ms)) return `timestamp: "${value}" is no date`;
      request[name] = {
        seconds: Math.floor(ms / 1000),
        nanos: (((ms % 1000) + 1000) % 1000) * 1e6,
      };
    } else if (NUMBER_FIELDS.has(field)) {
      const number = Number(value);
      if (!Number.isFinite(number)) return `${field}: "${value}" is no number`;
      request[name] = number;
    } else {
      request[name] = String(value);
    }
  }
  return request;
}

/** Milliseconds since the Unix epoch; a date without a zone is UTC. NaN if it is no date. */
export function parseTimestampMs(value: string | number): number {
  const text = String(value).trim();
  const bare = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d+)?)$/.exec(text);
  return Date.parse(bare ? `${bare[1]}T${bare[2]}Z` : text);
}
