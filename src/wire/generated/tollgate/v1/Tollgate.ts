// Original file: proto/tollgate/v1/tollgate.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { AuthorizeRequest as _tollgate_v1_AuthorizeRequest, AuthorizeRequest__Output as _tollgate_v1_AuthorizeRequest__Output } from '../../tollgate/v1/AuthorizeRequest.js';
import type { AuthorizeResponse as _tollgate_v1_AuthorizeResponse, AuthorizeResponse__Output as _tollgate_v1_AuthorizeResponse__Output } from '../../tollgate/v1/AuthorizeResponse.js';
import type { InspectRequest as _tollgate_v1_InspectRequest, InspectRequest__Output as _tollgate_v1_InspectRequest__Output } from '../../tollgate/v1/InspectRequest.js';
import type { InspectResponse as _tollgate_v1_InspectResponse, InspectResponse__Output as _tollgate_v1_InspectResponse__Output } from '../../tollgate/v1/InspectResponse.js';

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
  
}

export interface TollgateHandlers extends grpc.UntypedServiceImplementation {
  Authorize: grpc.handleUnaryCall<_tollgate_v1_AuthorizeRequest__Output, _tollgate_v1_AuthorizeResponse>;
  
  Inspect: grpc.handleUnaryCall<_tollgate_v1_InspectRequest__Output, _tollgate_v1_InspectResponse>;
  
}

export interface TollgateDefinition extends grpc.ServiceDefinition {
  Authorize: MethodDefinition<_tollgate_v1_AuthorizeRequest, _tollgate_v1_AuthorizeResponse, _tollgate_v1_AuthorizeRequest__Output, _tollgate_v1_AuthorizeResponse__Output>
  Inspect: MethodDefinition<_tollgate_v1_InspectRequest, _tollgate_v1_InspectResponse, _tollgate_v1_InspectRequest__Output, _tollgate_v1_InspectResponse__Output>
}
