/** gRPC's status codes, each at its number. They are here so that `off` and tests load no gRPC. */
const CODES = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const;

export type Code = (typeof CODES)[number];

/** Nobody answered, or a defect did: another try may do better. All else is the caller's to mend. */
const LOST: readonly Code[] = [
  'UNAVAILABLE',
  'DEADLINE_EXCEEDED',
  'INTERNAL',
  'UNKNOWN',
  'CANCELLED',
  'ABORTED',
];

/**
 * The sidecar refused the call as broken: a field that is wrong, a call id that is finished, a lineage
 * token that this fleet has not signed. A bug, so no failure mode turns it into an allow.
 */
export class CallError extends Error {
  override readonly name = 'CallError';
  readonly code: Code;

  constructor(code: Code, message: string) {
    super(message);
    this.code = code;
  }
}

/** What became of a try that failed. */
export interface Failure {
  readonly code: Code;
  readonly details: string;
  /** Nobody answered: another try may do better. */
  readonly lost: boolean;
  /** The sidecar may have read it all the same. */
  readonly sent: boolean;
}

/** Says what an error of the channel means; undefined if it is none of gRPC's. */
export function failureFrom(error: unknown): Failure | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  const code = CODES[Number(error.code)];
  if (code === undefined) return undefined;
  const details = 'details' in error ? String(error.details) : error.message;
  if (code === 'INTERNAL' && details.startsWith('Request message serialization failure')) {
    return { code: 'INVALID_ARGUMENT', details, lost: false, sent: false };
  }
  return { code, details, lost: LOST.includes(code), sent: !NOT_SENT.test(details) };
}

/** How grpc-js words it when there was no connection to send on. */
const NOT_SENT =
  /No connection established|Name resolution failed|waiting for name resolution|Waiting for LB pick/;
