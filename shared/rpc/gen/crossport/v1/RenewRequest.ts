// Original file: proto/crossport/v1/identity.proto


export interface RenewRequest {
  'request'?: (string);
}

export interface RenewRequest__Output {
  'request': (string);
}
