// Original file: proto/crossport/v1/control.proto

import type { Input as _crossport_v1_Input, Input__Output as _crossport_v1_Input__Output } from '../../crossport/v1/Input.ts';
import type { ServiceStatus as _crossport_v1_ServiceStatus, ServiceStatus__Output as _crossport_v1_ServiceStatus__Output } from '../../crossport/v1/ServiceStatus.ts';
import type { Problem as _crossport_v1_Problem, Problem__Output as _crossport_v1_Problem__Output } from '../../crossport/v1/Problem.ts';
import type { SwitchStatus as _crossport_v1_SwitchStatus, SwitchStatus__Output as _crossport_v1_SwitchStatus__Output } from '../../crossport/v1/SwitchStatus.ts';
import type { HostStatus as _crossport_v1_HostStatus, HostStatus__Output as _crossport_v1_HostStatus__Output } from '../../crossport/v1/HostStatus.ts';
import type { TimelineEntry as _crossport_v1_TimelineEntry, TimelineEntry__Output as _crossport_v1_TimelineEntry__Output } from '../../crossport/v1/TimelineEntry.ts';
import type { Vm as _crossport_v1_Vm, Vm__Output as _crossport_v1_Vm__Output } from '../../crossport/v1/Vm.ts';

export interface Status {
  'role'?: (string);
  'id'?: (string);
  'version'?: (string);
  'startedAt'?: (string);
  'inputs'?: (_crossport_v1_Input)[];
  'services'?: (_crossport_v1_ServiceStatus)[];
  'problems'?: (_crossport_v1_Problem)[];
  'switch'?: (_crossport_v1_SwitchStatus | null);
  'hosts'?: (_crossport_v1_HostStatus)[];
  'timeline'?: (_crossport_v1_TimelineEntry)[];
  'servicesDir'?: (string);
  'vms'?: (_crossport_v1_Vm)[];
  'more'?: (boolean);
}

export interface Status__Output {
  'role': (string);
  'id': (string);
  'version': (string);
  'startedAt': (string);
  'inputs': (_crossport_v1_Input__Output)[];
  'services': (_crossport_v1_ServiceStatus__Output)[];
  'problems': (_crossport_v1_Problem__Output)[];
  'switch': (_crossport_v1_SwitchStatus__Output | null);
  'hosts': (_crossport_v1_HostStatus__Output)[];
  'timeline': (_crossport_v1_TimelineEntry__Output)[];
  'servicesDir': (string);
  'vms': (_crossport_v1_Vm__Output)[];
  'more': (boolean);
}
