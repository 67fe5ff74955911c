// Original file: proto/tollgate/v1/tollgate.proto

export const Outcome = {
  OUTCOME_UNSPECIFIED: 'OUTCOME_UNSPECIFIED',
  OUTCOME_OK: 'OUTCOME_OK',
  OUTCOME_ERROR: 'OUTCOME_ERROR',
  OUTCOME_CANCELLED: 'OUTCOME_CANCELLED',
} as const;

export type Outcome =
  | 'OUTCOME_UNSPECIFIED'
  | 0
  | 'OUTCOME_OK'
  | 1
  | 'OUTCOME_ERROR'
  | 2
  | 'OUTCOME_CANCELLED'
  | 3

export type Outcome__Output = typeof Outcome[keyof typeof Outcome]
