// Original file: proto/crossport/v1/registration.proto

import type { RefusedDocument as _crossport_v1_RefusedDocument, RefusedDocument__Output as _crossport_v1_RefusedDocument__Output } from '../../crossport/v1/RefusedDocument.ts';

export interface RefusedDocuments {
  'documents'?: (_crossport_v1_RefusedDocument)[];
}

export interface RefusedDocuments__Output {
  'documents': (_crossport_v1_RefusedDocument__Output)[];
}
