// Original file: proto/crossport/v1/registration.proto

import type { HostRegistration as _crossport_v1_HostRegistration, HostRegistration__Output as _crossport_v1_HostRegistration__Output } from '../../crossport/v1/HostRegistration.ts';
import type { HostDelta as _crossport_v1_HostDelta, HostDelta__Output as _crossport_v1_HostDelta__Output } from '../../crossport/v1/HostDelta.ts';
import type { Heartbeat as _crossport_v1_Heartbeat, Heartbeat__Output as _crossport_v1_Heartbeat__Output } from '../../crossport/v1/Heartbeat.ts';

export interface AgentMessage {
  'registration'?: (_crossport_v1_HostRegistration | null);
  'delta'?: (_crossport_v1_HostDelta | null);
  'heartbeat'?: (_crossport_v1_Heartbeat | null);
  'body'?: "registration"|"delta"|"heartbeat";
}

export interface AgentMessage__Output {
  'registration'?: (_crossport_v1_HostRegistration__Output | null);
  'delta'?: (_crossport_v1_HostDelta__Output | null);
  'heartbeat'?: (_crossport_v1_Heartbeat__Output | null);
  'body'?: "registration"|"delta"|"heartbeat";
}
