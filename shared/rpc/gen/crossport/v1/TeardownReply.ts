// Original file: proto/crossport/v1/control.proto


export interface TeardownReply {
  'flowsDeleted'?: (number);
  'vipsRemoved'?: (number);
  'vipsLeft'?: (number);
}

export interface TeardownReply__Output {
  'flowsDeleted': (number);
  'vipsRemoved': (number);
  'vipsLeft': (number);
}
