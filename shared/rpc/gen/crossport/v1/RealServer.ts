// Original file: proto/crossport/v1/registration.proto

import type { RealServerState as _crossport_v1_RealServerState, RealServerState__Output as _crossport_v1_RealServerState__Output } from '../../crossport/v1/RealServerState.ts';

export interface RealServer {
  'id'?: (string);
  'service'?: (string);
  'vip'?: (string);
  'protocol'?: (string);
  'vipPort'?: (number);
  'ingressPort'?: (number);
  'rsPort'?: (number);
  'vm'?: (string);
  'vmUuid'?: (string);
  'weight'?: (number);
  'state'?: (_crossport_v1_RealServerState);
  'reason'?: (string);
  'scheduler'?: (string);
  'panic'?: (number);
}

export interface RealServer__Output {
  'id': (string);
  'service': (string);
  'vip': (string);
  'protocol': (string);
  'vipPort': (number);
  'ingressPort': (number);
  'rsPort': (number);
  'vm': (string);
  'vmUuid': (string);
  'weight': (number);
  'state': (_crossport_v1_RealServerState__Output);
  'reason': (string);
  'scheduler': (string);
  'panic': (number);
}
