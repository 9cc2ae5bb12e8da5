// Original file: proto/crossport/v1/control.proto

import type { Long } from '@grpc/proto-loader';

export interface Acceptance {
  'state'?: (string);
  'seconds'?: (number | string);
  'opened'?: (number | string | Long);
  'accepted'?: (number | string | Long);
  'refused'?: (number | string | Long);
  'unanswered'?: (number | string | Long);
}

export interface Acceptance__Output {
  'state': (string);
  'seconds': (number);
  'opened': (number);
  'accepted': (number);
  'refused': (number);
  'unanswered': (number);
}
