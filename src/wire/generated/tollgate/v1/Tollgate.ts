// Original file: proto/tollgate/v1/tollgate.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { AuthorizeRequest as _tollgate_v1_AuthorizeRequest, AuthorizeRequest__Output as _tollgate_v1_AuthorizeRequest__Output } from '../../tollgate/v1/AuthorizeRequest.js';
import type { AuthorizeResponse as _tollgate_v1_AuthorizeResponse, AuthorizeResponse__Output as _tollgate_v1_AuthorizeResponse__Output } from '../../tollgate/v1/AuthorizeResponse.js';
import type { InspectRequest as _tollgate_v1_InspectRequest, InspectRequest__Output as _tollgate_v1_InspectRequest__Output } from '../../tollgate/v1/InspectRequest.js';
import type { InspectResponse as _tollgate_v1_InspectResponse, InspectResponse__Output as _tollgate_v1_InspectResponse__Output } from '../../tollgate/v1/InspectResponse.js';
import type { ReleaseRequest as _tollgate_v1_ReleaseRequest, ReleaseRequest__Output as _tollgate_v1_ReleaseRequest__Output } from '../../tollgate/v1/ReleaseRequest.js';
import type { ReleaseResponse as _tollgate_v1_ReleaseResponse, ReleaseResponse__Output as _tollgate_v1_ReleaseResponse__Output } from '../../tollgate/v1/ReleaseResponse.js';
import type { SettleRequest as _tollgate_v1_SettleRequest, SettleRequest__Output as _tollgate_v1_SettleRequest__Output } from '../../tollgate/v1/SettleRequest.js';
import type { SettleResponse as _tollgate_v1_SettleResponse, SettleResponse__Output as _tollgate_v1_SettleResponse__Output } from '../../tollgate/v1/SettleResponse.js';

export interface TollgateClient extends grpc.Client {
  Authorize(argument: _tollgate_v1_AuthorizeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tollgate_v1_AuthorizeResponse__Output>): grpc.ClientUnaryCall;
  Authorize(argument: _tollgate_v1_AuthorizeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_tollgate_v1_AuthorizeResponse__Output>): grpc.ClientUnaryCall;
  Authorize(argument: _tollgate_v1_AuthorizeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_tollgate_v1_AuthorizeResponse__Output>): grpc.ClientUnaryCall;
  Authorize(argument: _tollgate_v1_AuthorizeRequest, callback: grpc.requestCallback<_tollgate_v1_AuthorizeResponse__Output>): grpc.ClientUnaryCall;
  authorize(argument: _tollgate_v1_AuthorizeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tollgate_v1_AuthorizeResponse__Output>): grpc.ClientUnaryCall;
  authorize(argument: _tollgate_v1_AuthorizeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_tollgate_v1_AuthorizeResponse__Output>): grpc.ClientUnaryCall;
  authorize(argument: _tollgate_v1_AuthorizeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_tollgate_v1_AuthorizeResponse__Output>): grpc.ClientUnaryCall;
  authorize(argument: _tollgate_v1_AuthorizeRequest, callback: grpc.requestCallback<_tollgate_v1_AuthorizeResponse__Output>): grpc.ClientUnaryCall;
  
  Inspect(argument: _tollgate_v1_InspectRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tollgate_v1_InspectResponse__Output>): grpc.ClientUnaryCall;
  Inspect(argument: _tollgate_v1_InspectRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_tollgate_v1_InspectResponse__Output>): grpc.ClientUnaryCall;
  Inspect(argument: _tollgate_v1_InspectRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_tollgate_v1_InspectResponse__Output>): grpc.ClientUnaryCall;
  Inspect(argument: _tollgate_v1_InspectRequest, callback: grpc.requestCallback<_tollgate_v1_InspectResponse__Output>): grpc.ClientUnaryCall;
  inspect(argument: _tollgate_v1_InspectRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tollgate_v1_InspectResponse__Output>): grpc.ClientUnaryCall;
  inspect(argument: _tollgate_v1_InspectRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_tollgate_v1_InspectResponse__Output>): grpc.ClientUnaryCall;
  inspect(argument: _tollgate_v1_InspectRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_tollgate_v1_InspectResponse__Output>): grpc.ClientUnaryCall;
  inspect(argument: _tollgate_v1_InspectRequest, callback: grpc.requestCallback<_tollgate_v1_InspectResponse__Output>): grpc.ClientUnaryCall;
  
  Release(argument: _tollgate_v1_ReleaseRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tollgate_v1_ReleaseResponse__Output>): grpc.ClientUnaryCall;
  Release(argument: _tollgate_v1_ReleaseRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_tollgate_v1_ReleaseResponse__Output>): grpc.ClientUnaryCall;
  Release(argument: _tollgate_v1_ReleaseRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_tollgate_v1_ReleaseResponse__Output>): grpc.ClientUnaryCall;
  Release(argument: _tollgate_v1_ReleaseRequest, callback: grpc.requestCallback<_tollgate_v1_ReleaseResponse__Output>): grpc.ClientUnaryCall;
  release(argument: _tollgate_v1_ReleaseRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tollgate_v1_ReleaseResponse__Output>): grpc.ClientUnaryCall;
  release(argument: _tollgate_v1_ReleaseRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_tollgate_v1_ReleaseResponse__Output>): grpc.ClientUnaryCall;
  release(argument: _tollgate_v1_ReleaseRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_tollgate_v1_ReleaseResponse__Output>): grpc.ClientUnaryCall;
  release(argument: _tollgate_v1_ReleaseRequest, callback: grpc.requestCallback<_tollgate_v1_ReleaseResponse__Output>): grpc.ClientUnaryCall;
  
  Settle(argument: _tollgate_v1_SettleRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tollgate_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  Settle(argument: _tollgate_v1_SettleRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_tollgate_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  Settle(argument: _tollgate_v1_SettleRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_tollgate_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  Settle(argument: _tollgate_v1_SettleRequest, callback: grpc.requestCallback<_tollgate_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  settle(argument: _tollgate_v1_SettleRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tollgate_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  settle(argument: _tollgate_v1_SettleRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_tollgate_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  settle(argument: _tollgate_v1_SettleRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_tollgate_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  settle(argument: _tollgate_v1_SettleRequest, callback: grpc.requestCallback<_tollgate_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  
}

export interface TollgateHandlers extends grpc.UntypedServiceImplementation {
  Authorize: grpc.handleUnaryCall<_tollgate_v1_AuthorizeRequest__Output, _tollgate_v1_AuthorizeResponse>;
  
  Inspect: grpc.handleUnaryCall<_tollgate_v1_InspectRequest__Output, _tollgate_v1_InspectResponse>;
  
  Release: grpc.handleUnaryCall<_tollgate_v1_ReleaseRequest__Output, _tollgate_v1_ReleaseResponse>;
  
  Settle: grpc.handleUnaryCall<_tollgate_v1_SettleRequest__Output, _tollgate_v1_SettleResponse>;
  
}

export interface TollgateDefinition extends grpc.ServiceDefinition {
  Authorize: MethodDefinition<_tollgate_v1_AuthorizeRequest, _tollgate_v1_AuthorizeResponse, _tollgate_v1_AuthorizeRequest__Output, _tollgate_v1_AuthorizeResponse__Output>
  Inspect: MethodDefinition<_tollgate_v1_InspectRequest, _tollgate_v1_InspectResponse, _tollgate_v1_InspectRequest__Output, _tollgate_v1_InspectResponse__Output>
  Release: MethodDefinition<_tollgate_v1_ReleaseRequest, _tollgate_v1_ReleaseResponse, _tollgate_v1_ReleaseRequest__Output, _tollgate_v1_ReleaseResponse__Output>
  Settle: MethodDefinition<_tollgate_v1_SettleRequest, _tollgate_v1_SettleResponse, _tollgate_v1_SettleRequest__Output, _tollgate_v1_SettleResponse__Output>
}
