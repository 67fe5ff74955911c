// Original file: proto/tollgate/v1/tollgate.proto

import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../google/protobuf/Timestamp.js';
import type { Long } from '@grpc/proto-loader';

export interface AuthorizeRequest {
  'call_id'?: (string);
  'agent_id'?: (string);
  'team_id'?: (string);
  'cost_centre'?: (string);
  'instance'?: (string);
  'tool'?: (string);
  'model'?: (string);
  'provider'?: (string);
  'operation'?: (string);
  'run_id'?: (string);
  'parent'?: (string);
  'parent_call_id'?: (string);
  'fingerprint'?: (string);
  'tokens_in'?: (number | string | Long);
  'tokens_out'?: (number | string | Long);
  'max_tokens_out'?: (number | string | Long);
  'estimated_cost'?: (number | string);
  'final'?: (boolean);
  'timestamp'?: (_google_protobuf_Timestamp | null);
  'labels'?: ({[key: string]: string});
  'input_bytes'?: (number | string | Long);
  '_estimated_cost'?: "estimated_cost";
}

export interface AuthorizeRequest__Output {
  'call_id': (string);
  'agent_id': (string);
  'team_id': (string);
  'cost_centre': (string);
  'instance': (string);
  'tool': (string);
  'model': (string);
  'provider': (string);
  'operation': (string);
  'run_id': (string);
  'parent': (string);
  'parent_call_id': (string);
  'fingerprint': (string);
  'tokens_in': (number);
  'tokens_out': (number);
  'max_tokens_out': (number);
  'estimated_cost'?: (number);
  'final': (boolean);
  'timestamp': (_google_protobuf_Timestamp__Output | null);
  'labels': ({[key: string]: string});
  'input_bytes': (number);
}
