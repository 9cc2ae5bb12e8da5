// Original file: proto/crossport/v1/registration.proto

import type { RealServer as _crossport_v1_RealServer, RealServer__Output as _crossport_v1_RealServer__Output } from '../../crossport/v1/RealServer.ts';

export interface HostDelta {
  'upserted'?: (_crossport_v1_RealServer)[];
  'removedIds'?: (string)[];
}

export interface HostDelta__Output {
  'upserted': (_crossport_v1_RealServer__Output)[];
  'removedIds': (string)[];
}
