import type { SourceDocument } from '../../shared/config/parse.ts'
import type { RegistrationRequest } from '../../shared/rpc/gen/crossport/v1/RegistrationRequest.ts'
import type { RealServerReport } from '../../shared/rpc/real-server.ts'

/** The other end of an agent's stream. */
export interface Peer {
  /** Of the host, as its certificate has it; undefined: the connection is in the clear. */
  readonly name: string | undefined
  /** Where its stream comes from, without the port. */
  readonly address: string
}

/** What an agent says of its host; the fields of proto HostRegistration, validated. */
export interface HostReport {
  readonly hostId: string
  /** H, lower case: requests are sent to it. */
  readonly hostMac: string
  /** Address in the underlay; may be empty on an l2 fabric, where nothing is sent to it. */
  readonly hostIp: string
  readonly version: string
  readonly realServers: ReadonlyMap<string, RealServerReport>
  /** Why real servers could not be read, by the agent's id: what was known of them before stands. Absent: all were. */
  readonly unread?: ReadonlyMap<string, string>
}

/** What real servers of a message say, as far as it could be read. */
export interface ReadRealServers {
  readonly read: readonly RealServerReport[]
  readonly unread: ReadonlyMap<string, string>
}

/** What has changed on a host since its last message. */
export interface HostDelta {
  readonly upserted: readonly RealServerReport[]
  readonly removedIds: readonly string[]
  /** As of HostReport. */
  readonly unread?: ReadonlyMap<string, string>
}

/** What every agent is told. */
export interface Offer {
  readonly request: RegistrationRequest
  /** All of them; those that are the same object as in the offer before have not changed. */
  readonly documents: readonly SourceDocument[]
  /** Stands for the documents. */
  readonly revision: string
}
