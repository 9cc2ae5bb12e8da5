// Original file: proto/crossport/v1/registration.proto


export interface ServiceDocument {
  'file'?: (string);
  'line'?: (number);
  'text'?: (string);
}

export interface ServiceDocument__Output {
  'file': (string);
  'line': (number);
  'text': (string);
}
