// Original file: proto/crossport/v1/control.proto


export interface ListConnectionsRequest {
  'service'?: (string);
  'disturb'?: (boolean);
}

export interface ListConnectionsRequest__Output {
  'service': (string);
  'disturb': (boolean);
}
