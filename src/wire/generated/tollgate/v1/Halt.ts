// Original file: proto/tollgate/v1/tollgate.proto

import type { Long } from '@grpc/proto-loader';

export interface Halt {
  'agent_id'?: (string);
  'since_us'?: (number | string | Long);
  'until_us'?: (number | string | Long);
  'rule_id'?: (string);
  'by'?: (string);
  'why'?: (string);
}

export interface Halt__Output {
  'agent_id': (string);
  'since_us': (number);
  'until_us': (number);
  'rule_id': (string);
  'by': (string);
  'why': (string);
}
