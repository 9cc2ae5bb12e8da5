// Original file: proto/crossport/v1/control.proto

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
}
