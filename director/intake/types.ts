import type { SourceDocument } from '../../shared/config/parse.ts'
import type { RegistrationRequest } from '../../shared/rpc/gen/crossport/v1/RegistrationRequest.ts'
import type { RealServerReport } from '../../shared/rpc/real-server.ts'

/** What an agent says of its host; the fields of proto HostRegistration, validated. */
export interface HostReport {
  readonly hostId: string
  /** H, lower case: requests are sent to it. */
  readonly hostMac: string
  /** Address in the underlay; may be empty on an l2 fabric, where nothing is sent to it. */
  readonly hostIp: string
  readonly version: string
  readonly realServers: ReadonlyMap<string, RealServerReport>
  /** Documents of this director that are not in force there. Absent: none. */
  readonly refusedDocuments?: readonly RefusedDocument[]
}

/** Fields of proto RefusedDocument, validated. */
export interface RefusedDocument {
  readonly service: string
  /** `file:line`. */
  readonly place: string
  readonly code: string
  readonly reason: string
}

/** What has changed on a host since its last message. */
export interface HostDelta {
  readonly upserted: readonly RealServerReport[]
  readonly removedIds: readonly string[]
  /** All of them; absent: as before. */
  readonly refusedDocuments?: readonly RefusedDocument[]
}

/** What every agent is told. */
export interface Offer {
  readonly request: RegistrationRequest
  /** All of them; those that are the same object as in the offer before have not changed. */
  readonly documents: readonly SourceDocument[]
  /** Stands for the documents. */
  readonly revision: string
}
