// Original file: proto/tollgate/v1/tollgate.proto

import type { CallState as _tollgate_v1_CallState, CallState__Output as _tollgate_v1_CallState__Output } from '../../tollgate/v1/CallState.js';
import type { Amounts as _tollgate_v1_Amounts, Amounts__Output as _tollgate_v1_Amounts__Output } from '../../tollgate/v1/Amounts.js';
import type { Long } from '@grpc/proto-loader';

export interface SettleResponse {
  'call_id'?: (string);
  'state'?: (_tollgate_v1_CallState);
  'settled'?: (_tollgate_v1_Amounts | null);
  'held'?: (_tollgate_v1_Amounts | null);
  'overage_usd'?: (number | string);
  'overage_tokens'?: (number | string | Long);
  'settled_at_us'?: (number | string | Long);
  'repeat'?: (boolean);
  'late'?: (boolean);
  'pending'?: (boolean);
  'degraded_reason'?: (string);
  'usage_problem'?: (string);
}

export interface SettleResponse__Output {
  'call_id': (string);
  'state': (_tollgate_v1_CallState__Output);
  'settled': (_tollgate_v1_Amounts__Output | null);
  'held': (_tollgate_v1_Amounts__Output | null);
  'overage_usd': (number);
  'overage_tokens': (number);
  'settled_at_us': (number);
  'repeat': (boolean);
  'late': (boolean);
  'pending': (boolean);
  'degraded_reason': (string);
  'usage_problem': (string);
}
