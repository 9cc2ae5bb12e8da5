// Original file: proto/crossport/v1/control.proto


export interface HostStatus {
  'hostId'?: (string);
  'hostMac'?: (string);
  'hostIp'?: (string);
  'state'?: (string);
  'leaseExpiresAt'?: (string);
  'realServers'?: (number);
}

export interface HostStatus__Output {
  'hostId': (string);
  'hostMac': (string);
  'hostIp': (string);
  'state': (string);
  'leaseExpiresAt': (string);
  'realServers': (number);
}
