// Original file: proto/crossport/v1/control.proto


export interface Problem {
  'severity'?: (string);
  'code'?: (string);
  'subject'?: (string);
  'message'?: (string);
}

export interface Problem__Output {
  'severity': (string);
  'code': (string);
  'subject': (string);
  'message': (string);
}
