// Original file: proto/crossport/v1/control.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { ConnectionBatch as _crossport_v1_ConnectionBatch, ConnectionBatch__Output as _crossport_v1_ConnectionBatch__Output } from '../../crossport/v1/ConnectionBatch.ts';
import type { GetStatusRequest as _crossport_v1_GetStatusRequest, GetStatusRequest__Output as _crossport_v1_GetStatusRequest__Output } from '../../crossport/v1/GetStatusRequest.ts';
import type { ListConnectionsRequest as _crossport_v1_ListConnectionsRequest, ListConnectionsRequest__Output as _crossport_v1_ListConnectionsRequest__Output } from '../../crossport/v1/ListConnectionsRequest.ts';
import type { ResyncReply as _crossport_v1_ResyncReply, ResyncReply__Output as _crossport_v1_ResyncReply__Output } from '../../crossport/v1/ResyncReply.ts';
import type { ResyncRequest as _crossport_v1_ResyncRequest, ResyncRequest__Output as _crossport_v1_ResyncRequest__Output } from '../../crossport/v1/ResyncRequest.ts';
import type { RevokedReply as _crossport_v1_RevokedReply, RevokedReply__Output as _crossport_v1_RevokedReply__Output } from '../../crossport/v1/RevokedReply.ts';
import type { RevokedRequest as _crossport_v1_RevokedRequest, RevokedRequest__Output as _crossport_v1_RevokedRequest__Output } from '../../crossport/v1/RevokedRequest.ts';
import type { Status as _crossport_v1_Status, Status__Output as _crossport_v1_Status__Output } from '../../crossport/v1/Status.ts';
import type { TeardownProgress as _crossport_v1_TeardownProgress, TeardownProgress__Output as _crossport_v1_TeardownProgress__Output } from '../../crossport/v1/TeardownProgress.ts';
import type { TeardownRequest as _crossport_v1_TeardownRequest, TeardownRequest__Output as _crossport_v1_TeardownRequest__Output } from '../../crossport/v1/TeardownRequest.ts';

export interface ControlClient extends grpc.Client {
  GetStatus(argument: _crossport_v1_GetStatusRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_crossport_v1_Status__Output>;
  GetStatus(argument: _crossport_v1_GetStatusRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_crossport_v1_Status__Output>;
  getStatus(argument: _crossport_v1_GetStatusRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_crossport_v1_Status__Output>;
  getStatus(argument: _crossport_v1_GetStatusRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_crossport_v1_Status__Output>;
  
  ListConnections(argument: _crossport_v1_ListConnectionsRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_crossport_v1_ConnectionBatch__Output>;
  ListConnections(argument: _crossport_v1_ListConnectionsRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_crossport_v1_ConnectionBatch__Output>;
  listConnections(argument: _crossport_v1_ListConnectionsRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_crossport_v1_ConnectionBatch__Output>;
  listConnections(argument: _crossport_v1_ListConnectionsRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_crossport_v1_ConnectionBatch__Output>;
  
  Resync(argument: _crossport_v1_ResyncRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_crossport_v1_ResyncReply__Output>): grpc.ClientUnaryCall;
  Resync(argument: _crossport_v1_ResyncRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_crossport_v1_ResyncReply__Output>): grpc.ClientUnaryCall;
  Resync(argument: _crossport_v1_ResyncRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_crossport_v1_ResyncReply__Output>): grpc.ClientUnaryCall;
  Resync(argument: _crossport_v1_ResyncRequest, callback: grpc.requestCallback<_crossport_v1_ResyncReply__Output>): grpc.ClientUnaryCall;
  resync(argument: _crossport_v1_ResyncRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_crossport_v1_ResyncReply__Output>): grpc.ClientUnaryCall;
  resync(argument: _crossport_v1_ResyncRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_crossport_v1_ResyncReply__Output>): grpc.ClientUnaryCall;
  resync(argument: _crossport_v1_ResyncRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_crossport_v1_ResyncReply__Output>): grpc.ClientUnaryCall;
  resync(argument: _crossport_v1_ResyncRequest, callback: grpc.requestCallback<_crossport_v1_ResyncReply__Output>): grpc.ClientUnaryCall;
  
  Revoked(argument: _crossport_v1_RevokedRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_crossport_v1_RevokedReply__Output>): grpc.ClientUnaryCall;
  Revoked(argument: _crossport_v1_RevokedRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_crossport_v1_RevokedReply__Output>): grpc.ClientUnaryCall;
  Revoked(argument: _crossport_v1_RevokedRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_crossport_v1_RevokedReply__Output>): grpc.ClientUnaryCall;
  Revoked(argument: _crossport_v1_RevokedRequest, callback: grpc.requestCallback<_crossport_v1_RevokedReply__Output>): grpc.ClientUnaryCall;
  revoked(argument: _crossport_v1_RevokedRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_crossport_v1_RevokedReply__Output>): grpc.ClientUnaryCall;
  revoked(argument: _crossport_v1_RevokedRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_crossport_v1_RevokedReply__Output>): grpc.ClientUnaryCall;
  revoked(argument: _crossport_v1_RevokedRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_crossport_v1_RevokedReply__Output>): grpc.ClientUnaryCall;
  revoked(argument: _crossport_v1_RevokedRequest, callback: grpc.requestCallback<_crossport_v1_RevokedReply__Output>): grpc.ClientUnaryCall;
  
  Teardown(argument: _crossport_v1_TeardownRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_crossport_v1_TeardownProgress__Output>;
  Teardown(argument: _crossport_v1_TeardownRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_crossport_v1_TeardownProgress__Output>;
  teardown(argument: _crossport_v1_TeardownRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_crossport_v1_TeardownProgress__Output>;
  teardown(argument: _crossport_v1_TeardownRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_crossport_v1_TeardownProgress__Output>;
  
  Watch(argument: _crossport_v1_GetStatusRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_crossport_v1_Status__Output>;
  Watch(argument: _crossport_v1_GetStatusRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_crossport_v1_Status__Output>;
  watch(argument: _crossport_v1_GetStatusRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_crossport_v1_Status__Output>;
  watch(argument: _crossport_v1_GetStatusRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_crossport_v1_Status__Output>;
  
}

export interface ControlHandlers extends grpc.UntypedServiceImplementation {
  GetStatus: grpc.handleServerStreamingCall<_crossport_v1_GetStatusRequest__Output, _crossport_v1_Status>;
  
  ListConnections: grpc.handleServerStreamingCall<_crossport_v1_ListConnectionsRequest__Output, _crossport_v1_ConnectionBatch>;
  
  Resync: grpc.handleUnaryCall<_crossport_v1_ResyncRequest__Output, _crossport_v1_ResyncReply>;
  
  Revoked: grpc.handleUnaryCall<_crossport_v1_RevokedRequest__Output, _crossport_v1_RevokedReply>;
  
  Teardown: grpc.handleServerStreamingCall<_crossport_v1_TeardownRequest__Output, _crossport_v1_TeardownProgress>;
  
  Watch: grpc.handleServerStreamingCall<_crossport_v1_GetStatusRequest__Output, _crossport_v1_Status>;
  
}

export interface ControlDefinition extends grpc.ServiceDefinition {
  GetStatus: MethodDefinition<_crossport_v1_GetStatusRequest, _crossport_v1_Status, _crossport_v1_GetStatusRequest__Output, _crossport_v1_Status__Output>
  ListConnections: MethodDefinition<_crossport_v1_ListConnectionsRequest, _crossport_v1_ConnectionBatch, _crossport_v1_ListConnectionsRequest__Output, _crossport_v1_ConnectionBatch__Output>
  Resync: MethodDefinition<_crossport_v1_ResyncRequest, _crossport_v1_ResyncReply, _crossport_v1_ResyncRequest__Output, _crossport_v1_ResyncReply__Output>
  Revoked: MethodDefinition<_crossport_v1_RevokedRequest, _crossport_v1_RevokedReply, _crossport_v1_RevokedRequest__Output, _crossport_v1_RevokedReply__Output>
  Teardown: MethodDefinition<_crossport_v1_TeardownRequest, _crossport_v1_TeardownProgress, _crossport_v1_TeardownRequest__Output, _crossport_v1_TeardownProgress__Output>
  Watch: MethodDefinition<_crossport_v1_GetStatusRequest, _crossport_v1_Status, _crossport_v1_GetStatusRequest__Output, _crossport_v1_Status__Output>
}
