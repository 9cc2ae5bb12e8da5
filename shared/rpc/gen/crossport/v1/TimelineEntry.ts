// Original file: proto/crossport/v1/control.proto


export interface TimelineEntry {
  'at'?: (string);
  'station'?: (string);
  'subject'?: (string);
  'detail'?: (string);
}

export interface TimelineEntry__Output {
  'at': (string);
  'station': (string);
  'subject': (string);
  'detail': (string);
}
