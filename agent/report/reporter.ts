import { type ServiceError, status } from '@grpc/grpc-js'
import { CrossportError } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import { registrationClient } from '../../shared/rpc/client.ts'
import type { TlsFiles } from '../../shared/rpc/tls.ts'
import type { Clock } from '../../shared/run/clock.ts'
import { type ConnectEvents, type Connection, keepConnected } from '../../shared/run/keep-connected.ts'
import { createSession, type HostIdentity, type Session } from './session.ts'
import type { RefusalCode, RefusedDocument, ReportedRealServer, Reporter, ReportHandlers } from './types.ts'

export type { HostIdentity } from './session.ts'

export interface ReporterOptions {
  /** The director: `host:port` or `unix:/path`. */
  readonly address: string
  readonly tls?: TlsFiles | undefined
  readonly identity: HostIdentity
  readonly log: Log
  readonly clock: Clock
  readonly handlers: ReportHandlers
}

export interface HostReporter extends Reporter {
  /** The host's addresses have changed: the director hears of it at once. */
  setIdentity(identity: HostIdentity): void
}

/** What a director says when it ends a stream for good reason; any other end is that of a connection. */
const REFUSALS: ReadonlyMap<number | undefined, RefusalCode> = new Map([
  [status.ALREADY_EXISTS, 'HOST_ID_TAKEN'],
  [status.PERMISSION_DENIED, 'HOST_NAME_MISMATCH'],
  [status.FAILED_PRECONDITION, 'HOST_ADDRESS_TAKEN'],
  [status.UNAUTHENTICATED, 'IDENTITY_REFUSED'],
  [status.INVALID_ARGUMENT, 'REGISTRATION_INVALID'],
  [status.RESOURCE_EXHAUSTED, 'REGISTRATION_LIMIT'],
])

type Stream = Connection & { readonly session: Session }

/**
 * Keeps one stream to the director: dials, waits to be asked, registers, tells what changes. The director being away
 * is normal: the newest list is kept, and sent in full when it is back (first retry after 100 ms, then up to 5 s).
 */
export function createReporter(options: ReporterOptions): HostReporter {
  const { address, tls, log, clock, handlers } = options
  let identity = options.identity
  let realServers: ReadonlyMap<string, ReportedRealServer> = new Map()
  let whole = true
  let refusedDocuments: readonly RefusedDocument[] = []
  /** Why the director does not take this host; it is asked again and again, and said once. */
  let refused: CrossportError | undefined

  /** Resolves when the director has asked: an open stream alone does not tell that somebody answers. */
  const connect = (events: ConnectEvents, signal: AbortSignal) =>
    new Promise<Stream>((resolve, reject) => {
      const client = registrationClient(address, tls)
      const call = client.Attach()
      let ended = false
      const destroy = () => {
        ended = true
        session.close()
        call.cancel()
        client.close()
      }
      const lost = (reason: string) => {
        if (ended) return
        destroy()
        reject(disconnected(address, reason))
        events.lost(reason)
      }
      const session = createSession({
        clock,
        handlers,
        truth: () => ({ identity, realServers, whole, refused: refusedDocuments }),
        onRegistered: () => {
          refused = undefined
          log.info('registered with the director', { director: address })
          handlers.onState('registered', 'the director has confirmed the registration')
        },
        send: message => call.write(message),
        onAsked: () => {
          if (refused === undefined) handlers.onState('connected', `director ${address} has asked for the registration`)
          resolve({ session, destroy, probe: () => {} })
        },
        lost,
      })
      call.on('data', message => {
        if (ended) return
        events.activity()
        session.receive(message)
      })
      call.on('error', error => {
        const reason = plain(error)
        const code = REFUSALS.get((error as Partial<ServiceError>).code)
        if (code !== undefined && !ended) refuse(code, reason)
        lost(reason)
      })
      call.on('end', () => lost('the director has closed the stream'))
      signal.addEventListener('abort', destroy, { once: true })
    })

  const refuse = (code: RefusalCode, reason: string) => {
    const message = `director ${address}: ${reason}`
    if (refused?.message === message) return
    refused = new CrossportError(code, message, { fields: { director: address } })
    handlers.onState('refused', message, code)
    log.error('the director refuses this host; it goes on without it', { director: address, err: refused })
  }

  const down = (reason: string) => {
    if (refused?.message === `director ${address}: ${reason}`) return
    refused = undefined
    handlers.onState('disconnected', `director ${address}: ${reason}`)
    log.warn('the director is away; this host goes on without it', {
      director: address,
      err: disconnected(address, reason),
    })
  }
  const kept = keepConnected<Stream>({
    clock,
    fastRetry: 100,
    minBackoff: 200,
    maxBackoff: 5000,
    // The session's heartbeats probe, in the rhythm of the director's lease.
    probeInterval: 0,
    connect,
    onUp: stream => {
      // What came between the answer and now.
      stream.session.sync()
    },
    onDown: down,
    onFailure: error => down(reasonOf(error)),
  })

  return {
    update: (list, isWhole = true, refusedNow = []) => {
      whole = isWhole
      refusedDocuments = refusedNow
      realServers = new Map(list.map(rs => [rs.id, rs]))
      kept.current?.session.sync()
    },
    setIdentity: next => {
      if (JSON.stringify(next) === JSON.stringify(identity)) return
      // The old address may be gone, and a stream from it would only be found dead by its silence.
      const moved = identity.hostIp !== '' && next.hostIp !== identity.hostIp
      identity = next
      if (moved) kept.drop('the address of this host has changed')
      else if (kept.current === undefined) kept.hurry()
      else kept.current.session.sync()
    },
    close: async () => kept.close(),
  }
}

function disconnected(address: string, reason: string): CrossportError {
  return new CrossportError('REPORT_DISCONNECTED', `director ${address}: ${reason}`, { fields: { reason } })
}

/** What the connection has ended with, or why none was begun: files that cannot be read, for one. */
function reasonOf(error: Error): string {
  const { reason } = error instanceof CrossportError ? error.fields : {}
  return typeof reason === 'string' ? reason : error.message
}

/** gRPC's messages carry the status' number and the resolver's notes; the operator needs the cause. */
function plain(error: Error): string {
  const details = (error as { details?: string }).details ?? error.message
  return /ECONNREFUSED/.test(details) ? 'connection refused' : details
}
