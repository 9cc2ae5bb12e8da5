// Original file: proto/crossport/v1/registration.proto

import type { RealServer as _crossport_v1_RealServer, RealServer__Output as _crossport_v1_RealServer__Output } from '../../crossport/v1/RealServer.ts';
import type { RefusedDocuments as _crossport_v1_RefusedDocuments, RefusedDocuments__Output as _crossport_v1_RefusedDocuments__Output } from '../../crossport/v1/RefusedDocuments.ts';

export interface HostRegistration {
  'hostId'?: (string);
  'hostMac'?: (string);
  'hostIp'?: (string);
  'realServers'?: (_crossport_v1_RealServer)[];
  'version'?: (string);
  'documentChanges'?: (boolean);
  'bootId'?: (string);
  'runId'?: (string);
  'refused'?: (_crossport_v1_RefusedDocuments | null);
}

export interface HostRegistration__Output {
  'hostId': (string);
  'hostMac': (string);
  'hostIp': (string);
  'realServers': (_crossport_v1_RealServer__Output)[];
  'version': (string);
  'documentChanges': (boolean);
  'bootId': (string);
  'runId': (string);
  'refused': (_crossport_v1_RefusedDocuments__Output | null);
}
