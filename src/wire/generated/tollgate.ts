import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from './google/protobuf/Timestamp.js';
import type { Amounts as _tollgate_v1_Amounts, Amounts__Output as _tollgate_v1_Amounts__Output } from './tollgate/v1/Amounts.js';
import type { AuthorizeRequest as _tollgate_v1_AuthorizeRequest, AuthorizeRequest__Output as _tollgate_v1_AuthorizeRequest__Output } from './tollgate/v1/AuthorizeRequest.js';
import type { AuthorizeResponse as _tollgate_v1_AuthorizeResponse, AuthorizeResponse__Output as _tollgate_v1_AuthorizeResponse__Output } from './tollgate/v1/AuthorizeResponse.js';
import type { Halt as _tollgate_v1_Halt, Halt__Output as _tollgate_v1_Halt__Output } from './tollgate/v1/Halt.js';
import type { InspectRequest as _tollgate_v1_InspectRequest, InspectRequest__Output as _tollgate_v1_InspectRequest__Output } from './tollgate/v1/InspectRequest.js';
import type { InspectResponse as _tollgate_v1_InspectResponse, InspectResponse__Output as _tollgate_v1_InspectResponse__Output } from './tollgate/v1/InspectResponse.js';
import type { ReleaseRequest as _tollgate_v1_ReleaseRequest, ReleaseRequest__Output as _tollgate_v1_ReleaseRequest__Output } from './tollgate/v1/ReleaseRequest.js';
import type { ReleaseResponse as _tollgate_v1_ReleaseResponse, ReleaseResponse__Output as _tollgate_v1_ReleaseResponse__Output } from './tollgate/v1/ReleaseResponse.js';
import type { RuleStatus as _tollgate_v1_RuleStatus, RuleStatus__Output as _tollgate_v1_RuleStatus__Output } from './tollgate/v1/RuleStatus.js';
import type { SettleRequest as _tollgate_v1_SettleRequest, SettleRequest__Output as _tollgate_v1_SettleRequest__Output } from './tollgate/v1/SettleRequest.js';
import type { SettleResponse as _tollgate_v1_SettleResponse, SettleResponse__Output as _tollgate_v1_SettleResponse__Output } from './tollgate/v1/SettleResponse.js';
import type { TollgateClient as _tollgate_v1_TollgateClient, TollgateDefinition as _tollgate_v1_TollgateDefinition } from './tollgate/v1/Tollgate.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  google: {
    protobuf: {
      Timestamp: MessageTypeDefinition<_google_protobuf_Timestamp, _google_protobuf_Timestamp__Output>
    }
  }
  tollgate: {
    v1: {
      Action: EnumTypeDefinition
      Amounts: MessageTypeDefinition<_tollgate_v1_Amounts, _tollgate_v1_Amounts__Output>
      AuthorizeRequest: MessageTypeDefinition<_tollgate_v1_AuthorizeRequest, _tollgate_v1_AuthorizeRequest__Output>
      AuthorizeResponse: MessageTypeDefinition<_tollgate_v1_AuthorizeResponse, _tollgate_v1_AuthorizeResponse__Output>
      CallState: EnumTypeDefinition
      CostSource: EnumTypeDefinition
      Halt: MessageTypeDefinition<_tollgate_v1_Halt, _tollgate_v1_Halt__Output>
      InspectRequest: MessageTypeDefinition<_tollgate_v1_InspectRequest, _tollgate_v1_InspectRequest__Output>
      InspectResponse: MessageTypeDefinition<_tollgate_v1_InspectResponse, _tollgate_v1_InspectResponse__Output>
      Metric: EnumTypeDefinition
      Outcome: EnumTypeDefinition
      ReleaseRequest: MessageTypeDefinition<_tollgate_v1_ReleaseRequest, _tollgate_v1_ReleaseRequest__Output>
      ReleaseResponse: MessageTypeDefinition<_tollgate_v1_ReleaseResponse, _tollgate_v1_ReleaseResponse__Output>
      RuleStatus: MessageTypeDefinition<_tollgate_v1_RuleStatus, _tollgate_v1_RuleStatus__Output>
      SettleRequest: MessageTypeDefinition<_tollgate_v1_SettleRequest, _tollgate_v1_SettleRequest__Output>
      SettleResponse: MessageTypeDefinition<_tollgate_v1_SettleResponse, _tollgate_v1_SettleResponse__Output>
      Tollgate: SubtypeConstructor<typeof grpc.Client, _tollgate_v1_TollgateClient> & { service: _tollgate_v1_TollgateDefinition }
      Verdict: EnumTypeDefinition
    }
  }
}

