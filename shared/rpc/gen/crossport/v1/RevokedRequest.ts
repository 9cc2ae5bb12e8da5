// Original file: proto/crossport/v1/control.proto


export interface RevokedRequest {
  'hostId'?: (string);
}

export interface RevokedRequest__Output {
  'hostId': (string);
}
