// Original file: proto/crossport/v1/identity.proto


export interface IssuedCertificate {
  'certificate'?: (string);
  'port'?: (number);
}

export interface IssuedCertificate__Output {
  'certificate': (string);
  'port': (number);
}
