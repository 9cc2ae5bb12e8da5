// Original file: proto/crossport/v1/registration.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { AgentMessage as _crossport_v1_AgentMessage, AgentMessage__Output as _crossport_v1_AgentMessage__Output } from '../../crossport/v1/AgentMessage.ts';
import type { DirectorMessage as _crossport_v1_DirectorMessage, DirectorMessage__Output as _crossport_v1_DirectorMessage__Output } from '../../crossport/v1/DirectorMessage.ts';

export interface RegistrationClient extends grpc.Client {
  Attach(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_crossport_v1_AgentMessage, _crossport_v1_DirectorMessage__Output>;
  Attach(options?: grpc.CallOptions): grpc.ClientDuplexStream<_crossport_v1_AgentMessage, _crossport_v1_DirectorMessage__Output>;
  attach(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_crossport_v1_AgentMessage, _crossport_v1_DirectorMessage__Output>;
  attach(options?: grpc.CallOptions): grpc.ClientDuplexStream<_crossport_v1_AgentMessage, _crossport_v1_DirectorMessage__Output>;
  
}

export interface RegistrationHandlers extends grpc.UntypedServiceImplementation {
  Attach: grpc.handleBidiStreamingCall<_crossport_v1_AgentMessage__Output, _crossport_v1_DirectorMessage>;
  
}

export interface RegistrationDefinition extends grpc.ServiceDefinition {
  Attach: MethodDefinition<_crossport_v1_AgentMessage, _crossport_v1_DirectorMessage, _crossport_v1_AgentMessage__Output, _crossport_v1_DirectorMessage__Output>
}
