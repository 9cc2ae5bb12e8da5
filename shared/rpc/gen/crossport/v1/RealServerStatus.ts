// Original file: proto/crossport/v1/control.proto

import type { Acceptance as _crossport_v1_Acceptance, Acceptance__Output as _crossport_v1_Acceptance__Output } from '../../crossport/v1/Acceptance.ts';
import type { Long } from '@grpc/proto-loader';

export interface RealServerStatus {
  'id'?: (string);
  'vm'?: (string);
  'host'?: (string);
  'rsPort'?: (number);
  'ingressPort'?: (number);
  'weight'?: (number);
  'state'?: (string);
  'reason'?: (string);
  'check'?: (string);
  'activeConnections'?: (number | string | Long);
  'totalConnections'?: (number | string | Long);
  'acceptance'?: (_crossport_v1_Acceptance | null);
}

export interface RealServerStatus__Output {
  'id': (string);
  'vm': (string);
  'host': (string);
  'rsPort': (number);
  'ingressPort': (number);
  'weight': (number);
  'state': (string);
  'reason': (string);
  'check': (string);
  'activeConnections': (number);
  'totalConnections': (number);
  'acceptance': (_crossport_v1_Acceptance__Output | null);
}
