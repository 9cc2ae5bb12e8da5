// Original file: proto/crossport/v1/identity.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { IssuedCertificate as _crossport_v1_IssuedCertificate, IssuedCertificate__Output as _crossport_v1_IssuedCertificate__Output } from '../../crossport/v1/IssuedCertificate.ts';
import type { JoinRequest as _crossport_v1_JoinRequest, JoinRequest__Output as _crossport_v1_JoinRequest__Output } from '../../crossport/v1/JoinRequest.ts';

export interface JoiningClient extends grpc.Client {
  Join(argument: _crossport_v1_JoinRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_crossport_v1_IssuedCertificate__Output>): grpc.ClientUnaryCall;
  Join(argument: _crossport_v1_JoinRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_crossport_v1_IssuedCertificate__Output>): grpc.ClientUnaryCall;
  Join(argument: _crossport_v1_JoinRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_crossport_v1_IssuedCertificate__Output>): grpc.ClientUnaryCall;
  Join(argument: _crossport_v1_JoinRequest, callback: grpc.requestCallback<_crossport_v1_IssuedCertificate__Output>): grpc.ClientUnaryCall;
  join(argument: _crossport_v1_JoinRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_crossport_v1_IssuedCertificate__Output>): grpc.ClientUnaryCall;
  join(argument: _crossport_v1_JoinRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_crossport_v1_IssuedCertificate__Output>): grpc.ClientUnaryCall;
  join(argument: _crossport_v1_JoinRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_crossport_v1_IssuedCertificate__Output>): grpc.ClientUnaryCall;
  join(argument: _crossport_v1_JoinRequest, callback: grpc.requestCallback<_crossport_v1_IssuedCertificate__Output>): grpc.ClientUnaryCall;
  
}

export interface JoiningHandlers extends grpc.UntypedServiceImplementation {
  Join: grpc.handleUnaryCall<_crossport_v1_JoinRequest__Output, _crossport_v1_IssuedCertificate>;
  
}

export interface JoiningDefinition extends grpc.ServiceDefinition {
  Join: MethodDefinition<_crossport_v1_JoinRequest, _crossport_v1_IssuedCertificate, _crossport_v1_JoinRequest__Output, _crossport_v1_IssuedCertificate__Output>
}
