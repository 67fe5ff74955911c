// Original file: proto/tollgate/v1/tollgate.proto

export const CallState = {
  CALL_STATE_UNSPECIFIED: 'CALL_STATE_UNSPECIFIED',
  CALL_STATE_HELD: 'CALL_STATE_HELD',
  CALL_STATE_SETTLED: 'CALL_STATE_SETTLED',
  CALL_STATE_RELEASED: 'CALL_STATE_RELEASED',
  CALL_STATE_UNHELD: 'CALL_STATE_UNHELD',
  CALL_STATE_UNAUTHORIZED: 'CALL_STATE_UNAUTHORIZED',
} as const;

export type CallState =
  | 'CALL_STATE_UNSPECIFIED'
  | 0
  | 'CALL_STATE_HELD'
  | 1
  | 'CALL_STATE_SETTLED'
  | 2
  | 'CALL_STATE_RELEASED'
  | 3
  | 'CALL_STATE_UNHELD'
  | 4
  | 'CALL_STATE_UNAUTHORIZED'
  | 5

export type CallState__Output = typeof CallState[keyof typeof CallState]
