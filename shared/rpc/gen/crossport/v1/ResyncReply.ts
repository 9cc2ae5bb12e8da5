// Original file: proto/crossport/v1/control.proto


export interface ResyncReply {
  'flowsAdded'?: (number);
  'flowsChanged'?: (number);
  'flowsDeleted'?: (number);
}

export interface ResyncReply__Output {
  'flowsAdded': (number);
  'flowsChanged': (number);
  'flowsDeleted': (number);
}
