import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { AgentMessage as _crossport_v1_AgentMessage, AgentMessage__Output as _crossport_v1_AgentMessage__Output } from './crossport/v1/AgentMessage.ts';
import type { DirectorMessage as _crossport_v1_DirectorMessage, DirectorMessage__Output as _crossport_v1_DirectorMessage__Output } from './crossport/v1/DirectorMessage.ts';
import type { DocumentPlace as _crossport_v1_DocumentPlace, DocumentPlace__Output as _crossport_v1_DocumentPlace__Output } from './crossport/v1/DocumentPlace.ts';
import type { Heartbeat as _crossport_v1_Heartbeat, Heartbeat__Output as _crossport_v1_Heartbeat__Output } from './crossport/v1/Heartbeat.ts';
import type { HeartbeatReply as _crossport_v1_HeartbeatReply, HeartbeatReply__Output as _crossport_v1_HeartbeatReply__Output } from './crossport/v1/HeartbeatReply.ts';
import type { HostDelta as _crossport_v1_HostDelta, HostDelta__Output as _crossport_v1_HostDelta__Output } from './crossport/v1/HostDelta.ts';
import type { HostRegistration as _crossport_v1_HostRegistration, HostRegistration__Output as _crossport_v1_HostRegistration__Output } from './crossport/v1/HostRegistration.ts';
import type { RealServer as _crossport_v1_RealServer, RealServer__Output as _crossport_v1_RealServer__Output } from './crossport/v1/RealServer.ts';
import type { RefusedDocument as _crossport_v1_RefusedDocument, RefusedDocument__Output as _crossport_v1_RefusedDocument__Output } from './crossport/v1/RefusedDocument.ts';
import type { RefusedDocuments as _crossport_v1_RefusedDocuments, RefusedDocuments__Output as _crossport_v1_RefusedDocuments__Output } from './crossport/v1/RefusedDocuments.ts';
import type { RegistrationClient as _crossport_v1_RegistrationClient, RegistrationDefinition as _crossport_v1_RegistrationDefinition } from './crossport/v1/Registration.ts';
import type { RegistrationRequest as _crossport_v1_RegistrationRequest, RegistrationRequest__Output as _crossport_v1_RegistrationRequest__Output } from './crossport/v1/RegistrationRequest.ts';
import type { ServiceDocument as _crossport_v1_ServiceDocument, ServiceDocument__Output as _crossport_v1_ServiceDocument__Output } from './crossport/v1/ServiceDocument.ts';
import type { ServiceDocuments as _crossport_v1_ServiceDocuments, ServiceDocuments__Output as _crossport_v1_ServiceDocuments__Output } from './crossport/v1/ServiceDocuments.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  crossport: {
    v1: {
      AgentMessage: MessageTypeDefinition<_crossport_v1_AgentMessage, _crossport_v1_AgentMessage__Output>
      DirectorMessage: MessageTypeDefinition<_crossport_v1_DirectorMessage, _crossport_v1_DirectorMessage__Output>
      DocumentPlace: MessageTypeDefinition<_crossport_v1_DocumentPlace, _crossport_v1_DocumentPlace__Output>
      Heartbeat: MessageTypeDefinition<_crossport_v1_Heartbeat, _crossport_v1_Heartbeat__Output>
      HeartbeatReply: MessageTypeDefinition<_crossport_v1_HeartbeatReply, _crossport_v1_HeartbeatReply__Output>
      HostDelta: MessageTypeDefinition<_crossport_v1_HostDelta, _crossport_v1_HostDelta__Output>
      HostRegistration: MessageTypeDefinition<_crossport_v1_HostRegistration, _crossport_v1_HostRegistration__Output>
      RealServer: MessageTypeDefinition<_crossport_v1_RealServer, _crossport_v1_RealServer__Output>
      RealServerState: EnumTypeDefinition
      RefusedDocument: MessageTypeDefinition<_crossport_v1_RefusedDocument, _crossport_v1_RefusedDocument__Output>
      RefusedDocuments: MessageTypeDefinition<_crossport_v1_RefusedDocuments, _crossport_v1_RefusedDocuments__Output>
      Registration: SubtypeConstructor<typeof grpc.Client, _crossport_v1_RegistrationClient> & { service: _crossport_v1_RegistrationDefinition }
      RegistrationRequest: MessageTypeDefinition<_crossport_v1_RegistrationRequest, _crossport_v1_RegistrationRequest__Output>
      ServiceDocument: MessageTypeDefinition<_crossport_v1_ServiceDocument, _crossport_v1_ServiceDocument__Output>
      ServiceDocuments: MessageTypeDefinition<_crossport_v1_ServiceDocuments, _crossport_v1_ServiceDocuments__Output>
    }
  }
}

