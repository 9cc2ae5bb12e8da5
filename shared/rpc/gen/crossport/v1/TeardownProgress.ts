// Original file: proto/crossport/v1/control.proto

import type { TeardownReply as _crossport_v1_TeardownReply, TeardownReply__Output as _crossport_v1_TeardownReply__Output } from '../../crossport/v1/TeardownReply.ts';

export interface TeardownProgress {
  'waitingFor'?: (string);
  'done'?: (_crossport_v1_TeardownReply | null);
  'body'?: "waitingFor"|"done";
}

export interface TeardownProgress__Output {
  'waitingFor'?: (string);
  'done'?: (_crossport_v1_TeardownReply__Output | null);
  'body'?: "waitingFor"|"done";
}
