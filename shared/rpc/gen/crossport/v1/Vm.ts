// Original file: proto/crossport/v1/control.proto


export interface Vm {
  'name'?: (string);
  'uuid'?: (string);
  'state'?: (string);
}

export interface Vm__Output {
  'name': (string);
  'uuid': (string);
  'state': (string);
}
