// Original file: proto/tollgate/v1/tollgate.proto

import type { Action as _tollgate_v1_Action, Action__Output as _tollgate_v1_Action__Output } from '../../tollgate/v1/Action.js';
import type { Metric as _tollgate_v1_Metric, Metric__Output as _tollgate_v1_Metric__Output } from '../../tollgate/v1/Metric.js';
import type { Long } from '@grpc/proto-loader';

export interface RuleStatus {
  'rule_id'?: (string);
  'action'?: (_tollgate_v1_Action);
  'partition'?: (string);
  'metric'?: (_tollgate_v1_Metric);
  'limit'?: (number | string);
  'window_seconds'?: (number | string | Long);
  'used'?: (number | string);
  'remaining'?: (number | string);
  'denied'?: (boolean);
  'shadow_denied'?: (boolean);
  'near_limit'?: (boolean);
  'retry_after_ms'?: (number | string | Long);
  'never_fits'?: (boolean);
  'reset_after_ms'?: (number | string | Long);
  'raised'?: (number | string)[];
  'calendar'?: (string);
  'granted'?: (number | string);
  '_limit'?: "limit";
  '_window_seconds'?: "window_seconds";
  '_used'?: "used";
  '_remaining'?: "remaining";
  '_retry_after_ms'?: "retry_after_ms";
  '_reset_after_ms'?: "reset_after_ms";
}

export interface RuleStatus__Output {
  'rule_id': (string);
  'action': (_tollgate_v1_Action__Output);
  'partition': (string);
  'metric': (_tollgate_v1_Metric__Output);
  'limit'?: (number);
  'window_seconds'?: (number);
  'used'?: (number);
  'remaining'?: (number);
  'denied': (boolean);
  'shadow_denied': (boolean);
  'near_limit': (boolean);
  'retry_after_ms'?: (number);
  'never_fits': (boolean);
  'reset_after_ms'?: (number);
  'raised': (number)[];
  'calendar': (string);
  'granted': (number);
}
