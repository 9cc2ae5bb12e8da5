// Original file: proto/crossport/v1/control.proto


export interface Input {
  'name'?: (string);
  'state'?: (string);
  'detail'?: (string);
  'since'?: (string);
}

export interface Input__Output {
  'name': (string);
  'state': (string);
  'detail': (string);
  'since': (string);
}
