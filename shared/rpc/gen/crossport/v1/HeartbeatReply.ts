// Original file: proto/crossport/v1/registration.proto

import type { Long } from '@grpc/proto-loader';

export interface HeartbeatReply {
  'sequence'?: (number | string | Long);
}

export interface HeartbeatReply__Output {
  'sequence': (number);
}
