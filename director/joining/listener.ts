import * as grpc from '@grpc/grpc-js'
import { CrossportError, type ErrorCode, messageOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { IssuedCertificate } from '../../shared/rpc/gen/crossport/v1/IssuedCertificate.ts'
import type { JoinRequest__Output } from '../../shared/rpc/gen/crossport/v1/JoinRequest.ts'
import { listenFor } from '../../shared/rpc/listener.ts'
import { loadProto } from '../../shared/rpc/load.ts'
import { serverCredentials, type TlsFiles } from '../../shared/rpc/tls.ts'
import type { Clock } from '../../shared/run/clock.ts'
import { createAdmission } from '../intake/admission.ts'
import type { Desk } from './issue.ts'
import { createRates } from './rates.ts'

/** Bytes of a message: a request for a certificate has some hundred. */
export const MOST_BYTES = 16 << 10
/** A connection is for one request, and ends after this, ms. */
const CONNECTION_MS = 10_000
/** Connections at a time, what they may have sent together, and how long one has to make its request. */
export const JOINING_ADMISSION = { most: 64, bytes: 4 << 20, patienceMs: 5000 } as const
/** Requests that are worked on at a time. */
const MOST_AT_ONCE = 8

export interface JoiningOptions {
  /** `host:port`. */
  readonly listen: string
  readonly tls: TlsFiles
  readonly desk: Desk
  /** The port that agents dial in at. */
  readonly agentsPort: number
  readonly log: Log
  readonly clock: Clock
}

export interface JoiningListener {
  readonly address: string
  reloadCertificate(): void
  close(): void
}

/**
 * The listener for those who have no certificate yet: it has only the Joining service, takes small messages, a few of each
 * address, and keeps few connections, and none for long. Peers are shown the director's certificate, and need none. Throws RPC_LISTEN, RPC_TLS.
 */
export async function serveJoining(options: JoiningOptions): Promise<JoiningListener> {
  const { listen, tls, desk, agentsPort, log, clock } = options
  const rates = createRates(clock)
  const admission = createAdmission(clock, JOINING_ADMISSION)
  let working = 0
  const joined = async (call: grpc.ServerUnaryCall<JoinRequest__Output, IssuedCertificate>) => {
    const address = call.getPeer().replace(/:\d+$/, '')
    if (working >= MOST_AT_ONCE || !rates.take(address))
      throw new CrossportError('JOIN_REFUSED', 'too many requests at a time: try again in a few seconds')
    const { secret, role, name, request } = call.request
    if (role !== 'host' && role !== 'director') throw new CrossportError('JOIN_REFUSED', 'no such role')
    working++
    try {
      const certificate = await desk.join(secret, role, name, request)
      log.notice('a certificate is issued', { host: name, role, peer: address })
      return { certificate, port: agentsPort }
    } catch (err) {
      log.warn('somebody is not let into the fleet', { host: name.slice(0, 253), peer: address, err })
      throw err
    } finally {
      working--
    }
  }
  const server = new grpc.Server({
    'grpc.max_receive_message_length': MOST_BYTES,
    'grpc.max_concurrent_streams': 1,
    'grpc.max_connection_age_ms': CONNECTION_MS,
    'grpc.max_connection_age_grace_ms': CONNECTION_MS,
    'grpc.max_connection_idle_ms': CONNECTION_MS,
  })
  server.addService(loadProto().joining.service, {
    Join: (call: grpc.ServerUnaryCall<JoinRequest__Output, IssuedCertificate>, reply: Reply) => {
      const peer = call.getPeer()
      admission.begun(peer)
      answer(
        joined(call).finally(() => admission.ended(peer)),
        reply,
      )
    },
  })
  const { credentials, reload } = serverCredentials(tls, { anybody: true })
  const listener = await listenFor(server, listen, credentials, admission.arrived)
  return {
    address: listen.replace(/:\d+$/, `:${listener.port}`),
    reloadCertificate: reload,
    close: () => {
      listener.close()
      server.forceShutdown()
      admission.close()
    },
  }
}

type Reply = grpc.sendUnaryData<IssuedCertificate>

const TOLD: ReadonlySet<string> = new Set<ErrorCode>(['JOIN_REFUSED', 'IDENTITY_REFUSED', 'KEY_TWICE'])

/** What is refused is said; what goes wrong here is nobody's business there. */
export function answer(work: Promise<IssuedCertificate>, reply: Reply): void {
  work.then(
    value => reply(null, value),
    (err: unknown) => {
      const told = err instanceof CrossportError && TOLD.has(err.code)
      const details = told ? messageOf(err) : 'the director cannot issue a certificate: see its journal'
      reply({ code: told ? grpc.status.PERMISSION_DENIED : grpc.status.INTERNAL, details })
    },
  )
}
