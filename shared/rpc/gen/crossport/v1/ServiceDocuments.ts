// Original file: proto/crossport/v1/registration.proto

import type { ServiceDocument as _crossport_v1_ServiceDocument, ServiceDocument__Output as _crossport_v1_ServiceDocument__Output } from '../../crossport/v1/ServiceDocument.ts';
import type { DocumentPlace as _crossport_v1_DocumentPlace, DocumentPlace__Output as _crossport_v1_DocumentPlace__Output } from '../../crossport/v1/DocumentPlace.ts';

export interface ServiceDocuments {
  'documents'?: (_crossport_v1_ServiceDocument)[];
  'revision'?: (string);
  'base'?: (string);
  'removed'?: (_crossport_v1_DocumentPlace)[];
  'piece'?: (number);
  'more'?: (boolean);
}

export interface ServiceDocuments__Output {
  'documents': (_crossport_v1_ServiceDocument__Output)[];
  'revision': (string);
  'base': (string);
  'removed': (_crossport_v1_DocumentPlace__Output)[];
  'piece': (number);
  'more': (boolean);
}
