// Original file: proto/tollgate/v1/tollgate.proto

import type { AuthorizeResponse as _tollgate_v1_AuthorizeResponse, AuthorizeResponse__Output as _tollgate_v1_AuthorizeResponse__Output } from '../../tollgate/v1/AuthorizeResponse.js';

export interface InspectResponse {
  'decision'?: (_tollgate_v1_AuthorizeResponse | null);
}

export interface InspectResponse__Output {
  'decision': (_tollgate_v1_AuthorizeResponse__Output | null);
}
