// Original file: proto/crossport/v1/control.proto


export interface RevokedReply {
  'known'?: (boolean);
}

export interface RevokedReply__Output {
  'known': (boolean);
}
