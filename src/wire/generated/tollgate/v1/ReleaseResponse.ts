// Original file: proto/tollgate/v1/tollgate.proto

import type { CallState as _tollgate_v1_CallState, CallState__Output as _tollgate_v1_CallState__Output } from '../../tollgate/v1/CallState.js';
import type { Amounts as _tollgate_v1_Amounts, Amounts__Output as _tollgate_v1_Amounts__Output } from '../../tollgate/v1/Amounts.js';

export interface ReleaseResponse {
  'call_id'?: (string);
  'state'?: (_tollgate_v1_CallState);
  'released'?: (_tollgate_v1_Amounts | null);
  'repeat'?: (boolean);
  'pending'?: (boolean);
  'degraded_reason'?: (string);
}

export interface ReleaseResponse__Output {
  'call_id': (string);
  'state': (_tollgate_v1_CallState__Output);
  'released': (_tollgate_v1_Amounts__Output | null);
  'repeat': (boolean);
  'pending': (boolean);
  'degraded_reason': (string);
}
