import * as grpc from '@grpc/grpc-js'
import { placeOf } from '../../shared/config/parse.ts'
import { CrossportError, type ErrorCode, messageOf } from '../../shared/errors.ts'
import { changedItems } from '../../shared/lists.ts'
import type { Log } from '../../shared/log.ts'
import type { AgentMessage__Output } from '../../shared/rpc/gen/crossport/v1/AgentMessage.ts'
import type { DirectorMessage } from '../../shared/rpc/gen/crossport/v1/DirectorMessage.ts'
import type { HostRegistration__Output } from '../../shared/rpc/gen/crossport/v1/HostRegistration.ts'
import type { ServiceDocuments } from '../../shared/rpc/gen/crossport/v1/ServiceDocuments.ts'
import { LIMITS } from '../../shared/rpc/limits.ts'
import { resetStream } from '../../shared/rpc/reset.ts'
import { type RpcServer, type RpcServerOptions, serveRpc } from '../../shared/rpc/server.ts'
import { shown } from '../../shared/rpc/text.ts'
import type { TlsFiles } from '../../shared/rpc/tls.ts'
import type { Clock } from '../../shared/run/clock.ts'
import type { Peer } from '../authority/registration.ts'
import { nameOf, type Register } from '../authority/who.ts'
import { createAdmission } from './admission.ts'
import { type Attached, attachedBy, type Call } from './attached.ts'
import { documentPieces, serializedOnce } from './documents.ts'
import { watchStreams } from './patience.ts'
import { createRefused, type Refused } from './refused.ts'
import { addressOf, refusal, speakerOf } from './rivals.ts'
import type { HostDelta, HostReport, Offer } from './types.ts'
import { hostDelta, hostReport } from './validate.ts'

/** Called for messages in the order in which they came; they do no I/O. What they throw ends the stream. */
export interface AgentHandlers {
  onRegistration(report: HostReport, peer: Peer): void
  onDelta(hostId: string, delta: HostDelta): void
  /** Any other sign of life. */
  onAlive(hostId: string): void
  /** Who is refused (`Agents.refused`) has changed. */
  onRefused(): void
  /** The host's agent holds no stream any more (`Agents.connected`). */
  onGone?(hostId: string): void
}

export interface AgentsOptions {
  /** `host:port` or `unix:/path`. */
  readonly listen: string
  readonly tls?: TlsFiles | undefined
  /** Default: an existing PKI, in which nobody is revoked. */
  readonly register?: Register
  /** Adds further services for those who have a certificate. */
  readonly add?: RpcServerOptions['add']
  /** Hosts are sent to by their address in the underlay (an overlay): each must have one. */
  readonly addressed: boolean
  /** An agent that was not heard for so long is taken for dead: another may have its host id. */
  readonly leaseMs: number
  readonly log: Log
  readonly clock: Clock
  readonly handlers: AgentHandlers
}

export interface Agents {
  readonly address: string
  /** Sends it to all agents, and to those that come later; agents that come before the first one wait. */
  setOffer(offer: Offer): void
  /** Hosts whose agent holds a stream now. */
  readonly connected: ReadonlySet<string>
  /** Hosts whose agents were refused, and try again. */
  readonly refused: readonly Refused[]
  /** Ends the streams of a host that has been revoked. */
  revoked(hostId: string): void
  /** Shows agents that come later the certificate that is in the files now. Throws RPC_TLS. */
  reloadCertificate(): void
  close(): Promise<void>
}

/**
 * The Registration service: asks each agent that dials in, hears its answers. One stream a host: a newer one of the same
 * machine, whose agent has come back, ends the older; another machine's is refused (rivals.ts). Throws RPC_LISTEN, RPC_TLS.
 */
export async function serveAgents(options: AgentsOptions): Promise<Agents> {
  const { log, clock, leaseMs, handlers } = options
  const { register = existingPki(options.tls !== undefined) } = options
  const calls = new Map<Call, Attached>()
  const admission = createAdmission(clock)
  const refused = createRefused(clock, () => handlers.onRefused())
  let offer: Offer | undefined
  /** What an agent that dials in is told. */
  let greeting: readonly DirectorMessage[] | undefined

  const greet = (attached: Attached) => {
    if (greeting === undefined) return
    attached.askedAt = clock.now()
    attached.outbox.greet(greeting)
  }

  /** What of it is new; all agents have had `before`, or are about to be told all. */
  const tell = (before: Offer, next: Offer) => {
    const all = greetingOf(next)
    const [request, ...documents] = all
    const asked = JSON.stringify(before.request) === JSON.stringify(next.request) ? [] : [request]
    const same = before.revision === next.revision
    const changes = same ? [] : documentPieces(changesOf(before, next))
    greeting = all
    for (const { outbox, documentChanges } of calls.values())
      outbox.tell([...asked, ...(same || documentChanges ? changes : documents)], all)
  }

  const registered = (call: Call, message: HostRegistration__Output) => {
    const attached = calls.get(call)!
    const { caller } = attached
    // First: whatever else is wrong with the message, it is not said of a host that the caller is not.
    const name = nameOf(caller, shown(message.hostId))
    const report = hostReport(message, options.addressed)
    const peer: Peer = { name, serial: caller.serial, address: caller.address }
    const speaker = speakerOf(report, message, peer)
    const older = [...calls].filter(([other, { speaker: there }]) => other !== call && there?.hostId === report.hostId)
    for (const [, { speaker: there, heardAt = 0 }] of older) {
      const reason = refusal(there!, speaker, clock.now() - heardAt, leaseMs)
      if (reason !== undefined) throw new CrossportError('HOST_ID_TAKEN', reason, { fields: { host: report.hostId } })
    }
    handlers.onRegistration(report, peer)
    for (const [other] of older) refuse(other, grpc.status.ABORTED, 'this host has registered anew')
    if (attached.speaker === undefined) refused.settled(report.hostId)
    const { documentChanges } = message
    Object.assign(attached, { speaker, documentChanges, heardAt: clock.now() })
    admission.admitted(attached.connection)
  }

  const received = (call: Call, message: AgentMessage__Output) => {
    if (message.registration) return registered(call, message.registration)
    const attached = calls.get(call)
    if (attached?.speaker === undefined)
      throw new CrossportError('REGISTRATION_INVALID', 'the first message must register the host')
    const { hostId } = attached.speaker
    attached.heardAt = clock.now()
    if (message.delta) {
      handlers.onDelta(hostId, hostDelta(hostId, message.delta))
    }
    handlers.onAlive(hostId)
    if (message.heartbeat) attached.outbox.heartbeat(message.heartbeat.sequence)
  }

  const ended = (call: Call) => {
    const { speaker, connection } = calls.get(call) ?? {}
    const hostId = speaker?.hostId
    calls.delete(call)
    if (connection !== undefined) admission.ended(connection)
    if (hostId !== undefined) handlers.onGone?.(hostId)
  }

  const refuse = (call: Call, code: grpc.status, details: string) => {
    ended(call)
    call.emit('error', { code, details })
  }

  const fail = (call: Call, err: unknown) => {
    const code = err instanceof CrossportError ? err.code : undefined
    const host = err instanceof CrossportError ? err.fields.host : undefined
    const { caller } = calls.get(call) ?? {}
    const peer = caller?.names?.[0] ?? caller?.address ?? String(host)
    // An agent that is refused dials again and again: said once.
    const said = code !== undefined && host !== undefined && code !== 'AGENT_SILENT'
    const put = said ? refused.put({ code, hostId: String(host), peer, reason: messageOf(err) }) : 'new'
    if (put === 'new') log.error('an agent is refused', { peer: call.getPeer(), err })
    // The log holds back what is equal, so these do not name the port, and the first of them no reason.
    if (put === 'share full') log.error('a peer is refused for more reasons than status shows', { peer, code })
    if (put === 'list full') log.error('an agent is refused, as many others are', { peer, err })
    refuse(call, (code && STATUS_OF.get(code)) ?? grpc.status.INVALID_ARGUMENT, messageOf(err))
  }

  const attach = (call: Call) => {
    // A call that has ended does not tell any more.
    const connection = call.getPeer()
    let attached: Attached
    try {
      attached = attachedBy(call, { connection, address: addressOf(connection, options.listen) }, register, clock)
    } catch (err) {
      return fail(call, err)
    }
    calls.set(call, attached)
    admission.begun(connection)
    log.debug('an agent has dialled in', { peer: connection })
    call.on('data', message => {
      if (!calls.has(call)) return
      try {
        received(call, message)
      } catch (err) {
        fail(call, err)
      }
    })
    call.on('end', () => {
      ended(call)
      call.end()
    })
    call.on('cancelled', () => ended(call))
    call.on('error', () => ended(call))
    if (calls.size > MOST_STREAMS)
      fail(call, new CrossportError('REGISTRATION_LIMIT', `more than ${MOST_STREAMS} agents`))
    else greet(attached)
  }

  const server: RpcServer = await serveRpc({
    listen: options.listen,
    tls: options.tls,
    admit: admission.arrived,
    mostStreams: MOST_STREAMS_OF_ONE,
    mostBytes: LIMITS.message,
    add: (grpcServer, proto) => {
      grpcServer.addService(serializedOnce(proto.registration.service), { Attach: attach })
      options.add?.(grpcServer, proto)
    },
  })
  const stopWatching = watchStreams({
    clock,
    streams: calls,
    leaseMs,
    end: (call, error) => {
      const stuck = calls.get(call)?.outbox.stuckSince !== undefined
      fail(call, error)
      if (stuck) resetStream(call)
    },
  })
  server.setServing(true)
  return {
    address: server.address,
    setOffer: next => {
      const before = offer
      offer = next
      if (before !== undefined) return tell(before, next)
      greeting = greetingOf(next)
      for (const attached of calls.values()) greet(attached)
    },
    get connected() {
      return new Set([...calls.values()].flatMap(({ speaker }) => speaker?.hostId ?? []))
    },
    get refused() {
      return refused.list()
    },
    revoked: hostId => {
      for (const [call, { caller }] of [...calls])
        if (caller.names?.includes(hostId)) refuse(call, grpc.status.UNAUTHENTICATED, `host "${hostId}" is revoked`)
    },
    reloadCertificate: server.reloadCertificate,
    close: () => {
      refused.close()
      stopWatching()
      admission.close()
      return server.close()
    },
  }
}

const existingPki = (tls: boolean): Register => ({ tls, own: undefined, revokedAt: () => undefined })

/** Streams at a time: of an agent that has come back there are two for a moment. */
const MOST_STREAMS = 2 * LIMITS.hosts

/** Streams at a time on one connection: an agent has one, or two for a moment. */
const MOST_STREAMS_OF_ONE = 4

/** What a refused agent is told; everything else is INVALID_ARGUMENT. */
const STATUS_OF: ReadonlyMap<ErrorCode, grpc.status> = new Map([
  ['REGISTRATION_LIMIT', grpc.status.RESOURCE_EXHAUSTED],
  ['AGENT_SILENT', grpc.status.DEADLINE_EXCEEDED],
  ['HOST_ID_TAKEN', grpc.status.ALREADY_EXISTS],
  ['HOST_NAME_MISMATCH', grpc.status.PERMISSION_DENIED],
  ['HOST_ADDRESS_TAKEN', grpc.status.FAILED_PRECONDITION],
  ['IDENTITY_REFUSED', grpc.status.UNAUTHENTICATED],
])

function greetingOf({ request, documents, revision }: Offer): readonly [DirectorMessage, ...DirectorMessage[]] {
  return [{ request }, ...documentPieces({ documents: [...documents], revision })]
}

function changesOf(before: Offer, next: Offer): ServiceDocuments {
  const { gone, come } = changedItems(before.documents, next.documents)
  const stay = new Set(come.map(placeOf))
  const removed = gone.filter(document => !stay.has(placeOf(document))).map(({ file, line }) => ({ file, line }))
  return { documents: come, removed, revision: next.revision, base: before.revision }
}
