// Original file: proto/tollgate/v1/tollgate.proto

export const Metric = {
  METRIC_UNSPECIFIED: 'METRIC_UNSPECIFIED',
  METRIC_CALLS: 'METRIC_CALLS',
  METRIC_ESTIMATED_COST_USD: 'METRIC_ESTIMATED_COST_USD',
  METRIC_TOKENS: 'METRIC_TOKENS',
  METRIC_TOKENS_IN: 'METRIC_TOKENS_IN',
  METRIC_TOKENS_OUT: 'METRIC_TOKENS_OUT',
} as const;

export type Metric =
  | 'METRIC_UNSPECIFIED'
  | 0
  | 'METRIC_CALLS'
  | 1
  | 'METRIC_ESTIMATED_COST_USD'
  | 2
  | 'METRIC_TOKENS'
  | 3
  | 'METRIC_TOKENS_IN'
  | 4
  | 'METRIC_TOKENS_OUT'
  | 5

export type Metric__Output = typeof Metric[keyof typeof Metric]
