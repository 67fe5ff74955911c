// Original file: proto/tollgate/v1/tollgate.proto

import type { Outcome as _tollgate_v1_Outcome, Outcome__Output as _tollgate_v1_Outcome__Output } from '../../tollgate/v1/Outcome.js';
import type { AuthorizeRequest as _tollgate_v1_AuthorizeRequest, AuthorizeRequest__Output as _tollgate_v1_AuthorizeRequest__Output } from '../../tollgate/v1/AuthorizeRequest.js';
import type { Long } from '@grpc/proto-loader';

export interface SettleRequest {
  'call_id'?: (string);
  'agent_id'?: (string);
  'team_id'?: (string);
  'cost_centre'?: (string);
  'instance'?: (string);
  'model'?: (string);
  'provider'?: (string);
  'tokens_in'?: (number | string | Long);
  'tokens_out'?: (number | string | Long);
  'cached_tokens_in'?: (number | string | Long);
  'cache_write_tokens_in'?: (number | string | Long);
  'cost'?: (number | string);
  'usage_json'?: (string);
  'outcome'?: (_tollgate_v1_Outcome);
  'call'?: (_tollgate_v1_AuthorizeRequest | null);
  '_tokens_in'?: "tokens_in";
  '_tokens_out'?: "tokens_out";
  '_cached_tokens_in'?: "cached_tokens_in";
  '_cache_write_tokens_in'?: "cache_write_tokens_in";
  '_cost'?: "cost";
}

export interface SettleRequest__Output {
  'call_id': (string);
  'agent_id': (string);
  'team_id': (string);
  'cost_centre': (string);
  'instance': (string);
  'model': (string);
  'provider': (string);
  'tokens_in'?: (number);
  'tokens_out'?: (number);
  'cached_tokens_in'?: (number);
  'cache_write_tokens_in'?: (number);
  'cost'?: (number);
  'usage_json': (string);
  'outcome': (_tollgate_v1_Outcome__Output);
  'call': (_tollgate_v1_AuthorizeRequest__Output | null);
}
