import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { IssuedCertificate as _crossport_v1_IssuedCertificate, IssuedCertificate__Output as _crossport_v1_IssuedCertificate__Output } from './crossport/v1/IssuedCertificate.ts';
import type { JoinRequest as _crossport_v1_JoinRequest, JoinRequest__Output as _crossport_v1_JoinRequest__Output } from './crossport/v1/JoinRequest.ts';
import type { JoiningClient as _crossport_v1_JoiningClient, JoiningDefinition as _crossport_v1_JoiningDefinition } from './crossport/v1/Joining.ts';
import type { RenewRequest as _crossport_v1_RenewRequest, RenewRequest__Output as _crossport_v1_RenewRequest__Output } from './crossport/v1/RenewRequest.ts';
import type { RenewalClient as _crossport_v1_RenewalClient, RenewalDefinition as _crossport_v1_RenewalDefinition } from './crossport/v1/Renewal.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  crossport: {
    v1: {
      IssuedCertificate: MessageTypeDefinition<_crossport_v1_IssuedCertificate, _crossport_v1_IssuedCertificate__Output>
      JoinRequest: MessageTypeDefinition<_crossport_v1_JoinRequest, _crossport_v1_JoinRequest__Output>
      Joining: SubtypeConstructor<typeof grpc.Client, _crossport_v1_JoiningClient> & { service: _crossport_v1_JoiningDefinition }
      RenewRequest: MessageTypeDefinition<_crossport_v1_RenewRequest, _crossport_v1_RenewRequest__Output>
      Renewal: SubtypeConstructor<typeof grpc.Client, _crossport_v1_RenewalClient> & { service: _crossport_v1_RenewalDefinition }
    }
  }
}

