// Original file: proto/crossport/v1/control.proto

import type { Connection as _crossport_v1_Connection, Connection__Output as _crossport_v1_Connection__Output } from '../../crossport/v1/Connection.ts';

export interface ConnectionBatch {
  'connections'?: (_crossport_v1_Connection)[];
  'note'?: (string);
}

export interface ConnectionBatch__Output {
  'connections': (_crossport_v1_Connection__Output)[];
  'note': (string);
}
