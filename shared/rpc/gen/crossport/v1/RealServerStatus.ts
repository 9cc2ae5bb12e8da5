// Original file: proto/crossport/v1/control.proto


export interface RealServerStatus {
  'id'?: (string);
  'vm'?: (string);
  'host'?: (string);
  'rsPort'?: (number);
  'ingressPort'?: (number);
  'weight'?: (number);
  'state'?: (string);
  'reason'?: (string);
  'check'?: (string);
}

export interface RealServerStatus__Output {
  'id': (string);
  'vm': (string);
  'host': (string);
  'rsPort': (number);
  'ingressPort': (number);
  'weight': (number);
  'state': (string);
  'reason': (string);
  'check': (string);
}
