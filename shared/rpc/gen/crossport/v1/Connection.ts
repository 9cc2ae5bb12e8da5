// Original file: proto/crossport/v1/control.proto

import type { Long } from '@grpc/proto-loader';

export interface Connection {
  'service'?: (string);
  'protocol'?: (string);
  'client'?: (string);
  'vip'?: (string);
  'realServer'?: (string);
  'vm'?: (string);
  'state'?: (string);
  'idle'?: (number);
  'age'?: (number);
  'packets'?: (number | string | Long);
  'bytes'?: (number | string | Long);
  'atLeast'?: (boolean);
  'tcpState'?: (string);
  '_age'?: "age";
  '_packets'?: "packets";
  '_bytes'?: "bytes";
}

export interface Connection__Output {
  'service': (string);
  'protocol': (string);
  'client': (string);
  'vip': (string);
  'realServer': (string);
  'vm': (string);
  'state': (string);
  'idle': (number);
  'age'?: (number);
  'packets'?: (number);
  'bytes'?: (number);
  'atLeast': (boolean);
  'tcpState': (string);
  '_age'?: "age";
  '_packets'?: "packets";
  '_bytes'?: "bytes";
}
