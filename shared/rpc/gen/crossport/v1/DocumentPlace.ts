// Original file: proto/crossport/v1/registration.proto


export interface DocumentPlace {
  'file'?: (string);
  'line'?: (number);
}

export interface DocumentPlace__Output {
  'file': (string);
  'line': (number);
}
