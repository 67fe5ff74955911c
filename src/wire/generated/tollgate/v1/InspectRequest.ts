// Original file: proto/tollgate/v1/tollgate.proto

import type { AuthorizeRequest as _tollgate_v1_AuthorizeRequest, AuthorizeRequest__Output as _tollgate_v1_AuthorizeRequest__Output } from '../../tollgate/v1/AuthorizeRequest.js';

export interface InspectRequest {
  'call'?: (_tollgate_v1_AuthorizeRequest | null);
}

export interface InspectRequest__Output {
  'call': (_tollgate_v1_AuthorizeRequest__Output | null);
}
