import type { AgentMessage } from '../../shared/rpc/gen/crossport/v1/AgentMessage.ts'
import type { DirectorMessage__Output } from '../../shared/rpc/gen/crossport/v1/DirectorMessage.ts'
import type { RefusedDocuments } from '../../shared/rpc/gen/crossport/v1/RefusedDocuments.ts'
import type { RegistrationRequest__Output } from '../../shared/rpc/gen/crossport/v1/RegistrationRequest.ts'
import type { ServiceDocuments__Output } from '../../shared/rpc/gen/crossport/v1/ServiceDocuments.ts'
import { LIMITS } from '../../shared/rpc/limits.ts'
import { toProto } from '../../shared/rpc/real-server.ts'
import { clipped } from '../../shared/rpc/text.ts'
import type { Clock } from '../../shared/run/clock.ts'
import type { DirectorDocument } from '../store/types.ts'
import { deltaOf } from './delta.ts'
import { badDocuments, directorOf } from './offer.ts'
import { createPieces } from './pieces.ts'
import type { RefusedDocument, ReportedRealServer, ReportHandlers } from './types.ts'

/** Who this host is, as the director will address it. */
export interface HostIdentity {
  readonly hostId: string
  /** H: requests are sent to it. Lower case. */
  readonly hostMac: string
  /** Address in the underlay; empty while there is none. */
  readonly hostIp: string
  readonly version: string
  /** Of this machine as it runs now; absent or empty: not known. */
  readonly bootId?: string
  /** Of this run of the agent; absent or empty: not told. */
  readonly runId?: string
}

export interface SessionOptions {
  readonly clock: Clock
  readonly handlers: ReportHandlers
  /** The newest truth, asked for whenever a message is made. */
  readonly truth: () => {
    readonly identity: HostIdentity
    readonly realServers: ReadonlyMap<string, ReportedRealServer>
    /** False: this host does not know its part yet, see `Reporter.update`. */
    readonly whole: boolean
    readonly refused: readonly RefusedDocument[]
  }
  readonly send: (message: AgentMessage) => void
  /** The director has asked: from now on it is told everything. */
  readonly onAsked: () => void
  /** The director has answered after it was told. */
  readonly onRegistered: () => void
  readonly lost: (reason: string) => void
}

/** How long a host that does not know its part may keep silent, ms, and as a share of the lease. */
const SILENT_MS = 5000
const SILENT_LEASE = 1 / 3
/** In so long a director answers that has heard of an address that changed, ms. */
const HEARD_MS = 500

/** One stream's conversation: asked, answered in full, then deltas and heartbeats. */
export interface Session {
  receive(message: DirectorMessage__Output): void
  /** Sends what the director does not know yet. */
  sync(): void
  /** Ends its timers. */
  close(): void
}

/**
 * The stream is ordered, so what was written before a heartbeat has been read when that heartbeat is answered.
 * Heartbeats go out every third of the lease; a director that answers nothing for two thirds of it is taken for dead.
 */
export function createSession(options: SessionOptions): Session {
  const { clock, handlers, send, truth } = options
  let known: ReadonlyMap<string, ReportedRealServer> | undefined
  let knownIdentity: HostIdentity | undefined
  let knownRefused: readonly RefusedDocument[] = []
  let leaseMs = 0
  let sequence = 0
  let answered = 0
  let registered = false
  let documents: readonly DirectorDocument[] = []
  let revision = ''
  const pieces = createPieces()
  /** Asked, and has not said anything yet. */
  let silent = false
  let cancelHeartbeat = () => {}
  let cancelSilence = () => {}
  let cancelHearing = () => {}

  const registration = () => {
    const { identity, realServers, refused } = truth()
    known = realServers
    knownIdentity = identity
    knownRefused = refused
    const reports = [...realServers.values()].map(toProto)
    send({ registration: { ...identity, realServers: reports, documentChanges: true, refused: told(refused) } })
  }

  const heartbeat = () => {
    if (sequence - answered >= 2)
      return options.lost(`no answer from the director for ${Math.round((2 * leaseMs) / 3)} ms`)
    sequence++
    send({ heartbeat: { sequence } })
    cancelHeartbeat()
    cancelHeartbeat = clock.after(leaseMs / 3, heartbeat)
  }

  /**
   * Requests go to the former address until the director has heard of the new one. A stream whose way was broken a moment ago
   * may wait for seconds until TCP sends again (RFC 6298, 5.5); a new stream does not.
   */
  const readdressed = () => {
    registration()
    const until = sequence + 1
    cancelHearing()
    cancelHearing = clock.after(HEARD_MS, () => {
      if (answered < until)
        options.lost(`no answer from the director for ${HEARD_MS} ms to a changed address of this host`)
    })
    heartbeat()
  }

  const asked = (request: RegistrationRequest__Output) => {
    const director = directorOf(request)
    if (typeof director === 'string') return options.lost(director)
    leaseMs = director.leaseMs
    const first = known === undefined
    handlers.onDirector(director)
    if (!first) return registration()
    options.onAsked()
    cancelSilence()
    if (truth().whole) return begin()
    // What the director holds of this host is better than the half that is known here.
    cancelSilence = clock.after(Math.min(SILENT_MS, leaseMs * SILENT_LEASE), begin)
    silent = true
  }

  const begin = () => {
    cancelSilence()
    silent = false
    registration()
    heartbeat()
  }

  const servicesCame = (piece: ServiceDocuments__Output) => {
    const services = pieces.add(piece)
    if (typeof services === 'string') return options.lost(services)
    if (services === undefined) return
    const bad = badDocuments(services)
    if (bad !== undefined) return options.lost(bad)
    if (services.base !== '' && services.base !== revision)
      return options.lost('the director has told of a change to service files that were never sent')
    documents = services.base === '' ? services.documents : changed(documents, services)
    revision = services.revision
    handlers.onServices(documents)
  }

  return {
    receive: message => {
      if (message.request) asked(message.request)
      if (message.services) servicesCame(message.services)
      if (message.heartbeat) {
        answered = Math.max(answered, message.heartbeat.sequence)
        if (!registered) options.onRegistered()
        registered = true
      }
    },
    sync: () => {
      if (silent && truth().whole) return begin()
      if (known === undefined) return
      const { identity, realServers, refused } = truth()
      if (JSON.stringify(identity) !== JSON.stringify(knownIdentity)) return readdressed()
      const delta = deltaOf(known, realServers)
      known = realServers
      const others = refused !== knownRefused && JSON.stringify(refused) !== JSON.stringify(knownRefused)
      knownRefused = refused
      if (!delta && !others) return
      const { upserted, removedIds } = delta ?? { upserted: [], removedIds: [] }
      const changes = { upserted: upserted.map(toProto), removedIds: [...removedIds] }
      send({ delta: others ? { ...changes, refused: told(refused) } : changes })
    },
    close: () => {
      cancelHeartbeat()
      cancelSilence()
      cancelHearing()
    },
  }
}

/** What a person reads: whoever has mended these sees the next ones. */
function told(refused: readonly RefusedDocument[]): RefusedDocuments {
  const plain = (reason: string) => clipped(reason.replace(/\p{Cc}/gu, '?'))
  return { documents: refused.slice(0, LIMITS.refused).map(one => ({ ...one, reason: plain(one.reason) })) }
}

/** In the order in which a director sends all of them; those that stay are the same objects. */
function changed(
  documents: readonly DirectorDocument[],
  { documents: come, removed }: ServiceDocuments__Output,
): readonly DirectorDocument[] {
  const place = ({ file, line }: { readonly file: string; readonly line: number }) => `${file}:${line}`
  const known = new Map(documents.map(document => [place(document), document]))
  for (const where of removed) known.delete(place(where))
  for (const document of come) known.set(place(document), document)
  return [...known.values()].sort((a, b) => (a.file < b.file ? -1 : Number(a.file > b.file)) || a.line - b.line)
}
