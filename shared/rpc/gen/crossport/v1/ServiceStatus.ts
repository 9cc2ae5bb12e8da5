// Original file: proto/crossport/v1/control.proto

import type { RealServerStatus as _crossport_v1_RealServerStatus, RealServerStatus__Output as _crossport_v1_RealServerStatus__Output } from '../../crossport/v1/RealServerStatus.ts';

export interface ServiceStatus {
  'service'?: (string);
  'vip'?: (string);
  'protocol'?: (string);
  'port'?: (number);
  'scheduler'?: (string);
  'source'?: (string);
  'realServers'?: (_crossport_v1_RealServerStatus)[];
}

export interface ServiceStatus__Output {
  'service': (string);
  'vip': (string);
  'protocol': (string);
  'port': (number);
  'scheduler': (string);
  'source': (string);
  'realServers': (_crossport_v1_RealServerStatus__Output)[];
}
