// Original file: proto/tollgate/v1/tollgate.proto

import type { CostSource as _tollgate_v1_CostSource, CostSource__Output as _tollgate_v1_CostSource__Output } from '../../tollgate/v1/CostSource.js';
import type { Long } from '@grpc/proto-loader';

export interface Amounts {
  'cost_usd'?: (number | string);
  'cost_source'?: (_tollgate_v1_CostSource);
  'tokens_in'?: (number | string | Long);
  'tokens_out'?: (number | string | Long);
}

export interface Amounts__Output {
  'cost_usd': (number);
  'cost_source': (_tollgate_v1_CostSource__Output);
  'tokens_in': (number);
  'tokens_out': (number);
}
