// Original file: proto/tollgate/v1/tollgate.proto

export const CostSource = {
  COST_SOURCE_UNSPECIFIED: 'COST_SOURCE_UNSPECIFIED',
  COST_SOURCE_CALLER: 'COST_SOURCE_CALLER',
  COST_SOURCE_NONE: 'COST_SOURCE_NONE',
} as const;

export type CostSource =
  | 'COST_SOURCE_UNSPECIFIED'
  | 0
  | 'COST_SOURCE_CALLER'
  | 1
  | 'COST_SOURCE_NONE'
  | 2

export type CostSource__Output = typeof CostSource[keyof typeof CostSource]
