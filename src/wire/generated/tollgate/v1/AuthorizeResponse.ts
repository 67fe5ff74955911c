// Original file: proto/tollgate/v1/tollgate.proto

import type { Verdict as _tollgate_v1_Verdict, Verdict__Output as _tollgate_v1_Verdict__Output } from '../../tollgate/v1/Verdict.js';
import type { RuleStatus as _tollgate_v1_RuleStatus, RuleStatus__Output as _tollgate_v1_RuleStatus__Output } from '../../tollgate/v1/RuleStatus.js';
import type { Amounts as _tollgate_v1_Amounts, Amounts__Output as _tollgate_v1_Amounts__Output } from '../../tollgate/v1/Amounts.js';
import type { Halt as _tollgate_v1_Halt, Halt__Output as _tollgate_v1_Halt__Output } from '../../tollgate/v1/Halt.js';
import type { Long } from '@grpc/proto-loader';

export interface AuthorizeResponse {
  'verdict'?: (_tollgate_v1_Verdict);
  'call_id'?: (string);
  'decided_at_us'?: (number | string | Long);
  'reason'?: (string);
  'rules'?: (_tollgate_v1_RuleStatus)[];
  'amounts'?: (_tollgate_v1_Amounts | null);
  'retry_after_ms'?: (number | string | Long);
  'never_fits'?: (boolean);
  'affordable_cost_usd'?: (number | string);
  'affordable_tokens_out'?: (number | string | Long);
  'degraded'?: (boolean);
  'degraded_reason'?: (string);
  'repeat'?: (number);
  'unmatched'?: (boolean);
  'policy_hash'?: (string);
  'lineage'?: (string);
  'halt'?: (_tollgate_v1_Halt | null);
  '_retry_after_ms'?: "retry_after_ms";
  '_affordable_cost_usd'?: "affordable_cost_usd";
  '_affordable_tokens_out'?: "affordable_tokens_out";
}

export interface AuthorizeResponse__Output {
  'verdict': (_tollgate_v1_Verdict__Output);
  'call_id': (string);
  'decided_at_us': (number);
  'reason': (string);
  'rules': (_tollgate_v1_RuleStatus__Output)[];
  'amounts': (_tollgate_v1_Amounts__Output | null);
  'retry_after_ms'?: (number);
  'never_fits': (boolean);
  'affordable_cost_usd'?: (number);
  'affordable_tokens_out'?: (number);
  'degraded': (boolean);
  'degraded_reason': (string);
  'repeat': (number);
  'unmatched': (boolean);
  'policy_hash': (string);
  'lineage': (string);
  'halt': (_tollgate_v1_Halt__Output | null);
}
