import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { Acceptance as _crossport_v1_Acceptance, Acceptance__Output as _crossport_v1_Acceptance__Output } from './crossport/v1/Acceptance.ts';
import type { Connection as _crossport_v1_Connection, Connection__Output as _crossport_v1_Connection__Output } from './crossport/v1/Connection.ts';
import type { ConnectionBatch as _crossport_v1_ConnectionBatch, ConnectionBatch__Output as _crossport_v1_ConnectionBatch__Output } from './crossport/v1/ConnectionBatch.ts';
import type { ControlClient as _crossport_v1_ControlClient, ControlDefinition as _crossport_v1_ControlDefinition } from './crossport/v1/Control.ts';
import type { GetStatusRequest as _crossport_v1_GetStatusRequest, GetStatusRequest__Output as _crossport_v1_GetStatusRequest__Output } from './crossport/v1/GetStatusRequest.ts';
import type { HostStatus as _crossport_v1_HostStatus, HostStatus__Output as _crossport_v1_HostStatus__Output } from './crossport/v1/HostStatus.ts';
import type { Input as _crossport_v1_Input, Input__Output as _crossport_v1_Input__Output } from './crossport/v1/Input.ts';
import type { ListConnectionsRequest as _crossport_v1_ListConnectionsRequest, ListConnectionsRequest__Output as _crossport_v1_ListConnectionsRequest__Output } from './crossport/v1/ListConnectionsRequest.ts';
import type { Problem as _crossport_v1_Problem, Problem__Output as _crossport_v1_Problem__Output } from './crossport/v1/Problem.ts';
import type { RealServerStatus as _crossport_v1_RealServerStatus, RealServerStatus__Output as _crossport_v1_RealServerStatus__Output } from './crossport/v1/RealServerStatus.ts';
import type { ResyncReply as _crossport_v1_ResyncReply, ResyncReply__Output as _crossport_v1_ResyncReply__Output } from './crossport/v1/ResyncReply.ts';
import type { ResyncRequest as _crossport_v1_ResyncRequest, ResyncRequest__Output as _crossport_v1_ResyncRequest__Output } from './crossport/v1/ResyncRequest.ts';
import type { RevokedReply as _crossport_v1_RevokedReply, RevokedReply__Output as _crossport_v1_RevokedReply__Output } from './crossport/v1/RevokedReply.ts';
import type { RevokedRequest as _crossport_v1_RevokedRequest, RevokedRequest__Output as _crossport_v1_RevokedRequest__Output } from './crossport/v1/RevokedRequest.ts';
import type { ServiceStatus as _crossport_v1_ServiceStatus, ServiceStatus__Output as _crossport_v1_ServiceStatus__Output } from './crossport/v1/ServiceStatus.ts';
import type { Status as _crossport_v1_Status, Status__Output as _crossport_v1_Status__Output } from './crossport/v1/Status.ts';
import type { SwitchStatus as _crossport_v1_SwitchStatus, SwitchStatus__Output as _crossport_v1_SwitchStatus__Output } from './crossport/v1/SwitchStatus.ts';
import type { TeardownProgress as _crossport_v1_TeardownProgress, TeardownProgress__Output as _crossport_v1_TeardownProgress__Output } from './crossport/v1/TeardownProgress.ts';
import type { TeardownReply as _crossport_v1_TeardownReply, TeardownReply__Output as _crossport_v1_TeardownReply__Output } from './crossport/v1/TeardownReply.ts';
import type { TeardownRequest as _crossport_v1_TeardownRequest, TeardownRequest__Output as _crossport_v1_TeardownRequest__Output } from './crossport/v1/TeardownRequest.ts';
import type { TimelineEntry as _crossport_v1_TimelineEntry, TimelineEntry__Output as _crossport_v1_TimelineEntry__Output } from './crossport/v1/TimelineEntry.ts';
import type { Vm as _crossport_v1_Vm, Vm__Output as _crossport_v1_Vm__Output } from './crossport/v1/Vm.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  crossport: {
    v1: {
      Acceptance: MessageTypeDefinition<_crossport_v1_Acceptance, _crossport_v1_Acceptance__Output>
      Connection: MessageTypeDefinition<_crossport_v1_Connection, _crossport_v1_Connection__Output>
      ConnectionBatch: MessageTypeDefinition<_crossport_v1_ConnectionBatch, _crossport_v1_ConnectionBatch__Output>
      Control: SubtypeConstructor<typeof grpc.Client, _crossport_v1_ControlClient> & { service: _crossport_v1_ControlDefinition }
      GetStatusRequest: MessageTypeDefinition<_crossport_v1_GetStatusRequest, _crossport_v1_GetStatusRequest__Output>
      HostStatus: MessageTypeDefinition<_crossport_v1_HostStatus, _crossport_v1_HostStatus__Output>
      Input: MessageTypeDefinition<_crossport_v1_Input, _crossport_v1_Input__Output>
      ListConnectionsRequest: MessageTypeDefinition<_crossport_v1_ListConnectionsRequest, _crossport_v1_ListConnectionsRequest__Output>
      Problem: MessageTypeDefinition<_crossport_v1_Problem, _crossport_v1_Problem__Output>
      RealServerStatus: MessageTypeDefinition<_crossport_v1_RealServerStatus, _crossport_v1_RealServerStatus__Output>
      ResyncReply: MessageTypeDefinition<_crossport_v1_ResyncReply, _crossport_v1_ResyncReply__Output>
      ResyncRequest: MessageTypeDefinition<_crossport_v1_ResyncRequest, _crossport_v1_ResyncRequest__Output>
      RevokedReply: MessageTypeDefinition<_crossport_v1_RevokedReply, _crossport_v1_RevokedReply__Output>
      RevokedRequest: MessageTypeDefinition<_crossport_v1_RevokedRequest, _crossport_v1_RevokedRequest__Output>
      ServiceStatus: MessageTypeDefinition<_crossport_v1_ServiceStatus, _crossport_v1_ServiceStatus__Output>
      Status: MessageTypeDefinition<_crossport_v1_Status, _crossport_v1_Status__Output>
      SwitchStatus: MessageTypeDefinition<_crossport_v1_SwitchStatus, _crossport_v1_SwitchStatus__Output>
      TeardownProgress: MessageTypeDefinition<_crossport_v1_TeardownProgress, _crossport_v1_TeardownProgress__Output>
      TeardownReply: MessageTypeDefinition<_crossport_v1_TeardownReply, _crossport_v1_TeardownReply__Output>
      TeardownRequest: MessageTypeDefinition<_crossport_v1_TeardownRequest, _crossport_v1_TeardownRequest__Output>
      TimelineEntry: MessageTypeDefinition<_crossport_v1_TimelineEntry, _crossport_v1_TimelineEntry__Output>
      Vm: MessageTypeDefinition<_crossport_v1_Vm, _crossport_v1_Vm__Output>
    }
  }
}

