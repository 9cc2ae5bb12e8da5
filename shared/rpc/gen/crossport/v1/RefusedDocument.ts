// Original file: proto/crossport/v1/registration.proto


export interface RefusedDocument {
  'service'?: (string);
  'file'?: (string);
  'line'?: (number);
  'code'?: (string);
  'reason'?: (string);
}

export interface RefusedDocument__Output {
  'service': (string);
  'file': (string);
  'line': (number);
  'code': (string);
  'reason': (string);
}
