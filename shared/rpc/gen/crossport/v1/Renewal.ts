// Original file: proto/crossport/v1/identity.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { IssuedCertificate as _crossport_v1_IssuedCertificate, IssuedCertificate__Output as _crossport_v1_IssuedCertificate__Output } from '../../crossport/v1/IssuedCertificate.ts';
import type { RenewRequest as _crossport_v1_RenewRequest, RenewRequest__Output as _crossport_v1_RenewRequest__Output } from '../../crossport/v1/RenewRequest.ts';

export interface RenewalClient extends grpc.Client {
  Renew(argument: _crossport_v1_RenewRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_crossport_v1_IssuedCertificate__Output>): grpc.ClientUnaryCall;
  Renew(argument: _crossport_v1_RenewRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_crossport_v1_IssuedCertificate__Output>): grpc.ClientUnaryCall;
  Renew(argument: _crossport_v1_RenewRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_crossport_v1_IssuedCertificate__Output>): grpc.ClientUnaryCall;
  Renew(argument: _crossport_v1_RenewRequest, callback: grpc.requestCallback<_crossport_v1_IssuedCertificate__Output>): grpc.ClientUnaryCall;
  renew(argument: _crossport_v1_RenewRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_crossport_v1_IssuedCertificate__Output>): grpc.ClientUnaryCall;
  renew(argument: _crossport_v1_RenewRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_crossport_v1_IssuedCertificate__Output>): grpc.ClientUnaryCall;
  renew(argument: _crossport_v1_RenewRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_crossport_v1_IssuedCertificate__Output>): grpc.ClientUnaryCall;
  renew(argument: _crossport_v1_RenewRequest, callback: grpc.requestCallback<_crossport_v1_IssuedCertificate__Output>): grpc.ClientUnaryCall;
  
}

export interface RenewalHandlers extends grpc.UntypedServiceImplementation {
  Renew: grpc.handleUnaryCall<_crossport_v1_RenewRequest__Output, _crossport_v1_IssuedCertificate>;
  
}

export interface RenewalDefinition extends grpc.ServiceDefinition {
  Renew: MethodDefinition<_crossport_v1_RenewRequest, _crossport_v1_IssuedCertificate, _crossport_v1_RenewRequest__Output, _crossport_v1_IssuedCertificate__Output>
}
