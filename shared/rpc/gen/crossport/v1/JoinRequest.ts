// Original file: proto/crossport/v1/identity.proto


export interface JoinRequest {
  'secret'?: (string);
  'role'?: (string);
  'name'?: (string);
  'request'?: (string);
}

export interface JoinRequest__Output {
  'secret': (string);
  'role': (string);
  'name': (string);
  'request': (string);
}
