// Original file: proto/crossport/v1/control.proto

import type { Long } from '@grpc/proto-loader';

export interface SwitchStatus {
  'bridge'?: (string);
  'desiredFlows'?: (number);
  'installedFlows'?: (number);
  'desiredGroups'?: (number);
  'lastCommitAt'?: (string);
  'lastError'?: (string);
  'commits'?: (number | string | Long);
  'flowChanges'?: (number | string | Long);
}

export interface SwitchStatus__Output {
  'bridge': (string);
  'desiredFlows': (number);
  'installedFlows': (number);
  'desiredGroups': (number);
  'lastCommitAt': (string);
  'lastError': (string);
  'commits': (number);
  'flowChanges': (number);
}
