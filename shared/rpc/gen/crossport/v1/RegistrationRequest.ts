// Original file: proto/crossport/v1/registration.proto


export interface RegistrationRequest {
  'directorId'?: (string);
  'directorMac'?: (string);
  'leaseMs'?: (number);
  'active'?: (boolean);
  'directorIp'?: (string);
  'recallMac'?: (string);
  'connectionSeconds'?: (number);
}

export interface RegistrationRequest__Output {
  'directorId': (string);
  'directorMac': (string);
  'leaseMs': (number);
  'active': (boolean);
  'directorIp': (string);
  'recallMac': (string);
  'connectionSeconds': (number);
}
