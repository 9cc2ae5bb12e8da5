// Original file: proto/crossport/v1/registration.proto

import type { RegistrationRequest as _crossport_v1_RegistrationRequest, RegistrationRequest__Output as _crossport_v1_RegistrationRequest__Output } from '../../crossport/v1/RegistrationRequest.ts';
import type { ServiceDocuments as _crossport_v1_ServiceDocuments, ServiceDocuments__Output as _crossport_v1_ServiceDocuments__Output } from '../../crossport/v1/ServiceDocuments.ts';
import type { HeartbeatReply as _crossport_v1_HeartbeatReply, HeartbeatReply__Output as _crossport_v1_HeartbeatReply__Output } from '../../crossport/v1/HeartbeatReply.ts';

export interface DirectorMessage {
  'request'?: (_crossport_v1_RegistrationRequest | null);
  'services'?: (_crossport_v1_ServiceDocuments | null);
  'heartbeat'?: (_crossport_v1_HeartbeatReply | null);
  'body'?: "request"|"services"|"heartbeat";
}

export interface DirectorMessage__Output {
  'request'?: (_crossport_v1_RegistrationRequest__Output | null);
  'services'?: (_crossport_v1_ServiceDocuments__Output | null);
  'heartbeat'?: (_crossport_v1_HeartbeatReply__Output | null);
  'body'?: "request"|"services"|"heartbeat";
}
