// Original file: proto/tollgate/v1/tollgate.proto

export const Action = {
  ACTION_UNSPECIFIED: 'ACTION_UNSPECIFIED',
  ACTION_BLOCK: 'ACTION_BLOCK',
  ACTION_ALERT: 'ACTION_ALERT',
  ACTION_SHADOW: 'ACTION_SHADOW',
  ACTION_HALT: 'ACTION_HALT',
} as const;

export type Action =
  | 'ACTION_UNSPECIFIED'
  | 0
  | 'ACTION_BLOCK'
  | 1
  | 'ACTION_ALERT'
  | 2
  | 'ACTION_SHADOW'
  | 3
  | 'ACTION_HALT'
  | 4

export type Action__Output = typeof Action[keyof typeof Action]
