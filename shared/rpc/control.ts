import { setTimeout as delay } from 'node:timers/promises'
import * as grpc from '@grpc/grpc-js'
import { CrossportError, messageOf } from '../errors.ts'
import type { Log } from '../log.ts'
import type { ConnectionBatch } from './gen/crossport/v1/ConnectionBatch.ts'
import type { ControlHandlers } from './gen/crossport/v1/Control.ts'
import type { GetStatusRequest__Output } from './gen/crossport/v1/GetStatusRequest.ts'
import type { ListConnectionsRequest__Output } from './gen/crossport/v1/ListConnectionsRequest.ts'
import type { ResyncReply } from './gen/crossport/v1/ResyncReply.ts'
import type { Status } from './gen/crossport/v1/Status.ts'
import type { TeardownProgress } from './gen/crossport/v1/TeardownProgress.ts'
import type { TeardownReply } from './gen/crossport/v1/TeardownReply.ts'
import type { TeardownRequest__Output } from './gen/crossport/v1/TeardownRequest.ts'
import { READERS, shareSocket } from './rights.ts'
import { type RpcServer, type RpcServerOptions, serveRpc } from './server.ts'
import { adminSocketOf } from './socket.ts'
import { type StatusSource, sendStatus } from './status.ts'
import { write } from './write.ts'

/** What a daemon lets itself be asked on its control socket (proto: crossport.v1.Control). */
export interface Control {
  /** Its lists are read in turns: they have to be of one moment. */
  getStatus(): StatusSource
  /** `changed` is called after every change of the status; the returned function ends that. */
  onChange(changed: () => void): () => void
  resync(): Promise<ResyncReply>
  /**
   * Removes everything. Says what it waits for, as often as it likes. When the signal aborts before the end, all is put back,
   * and it rejects.
   */
  teardown(waitingFor: (what: string) => void, signal: AbortSignal): Promise<TeardownReply>
  /** The connection table in batches; only a director has one. `service` empty: all of them. */
  connections?(request: ConnectionsRequest): AsyncIterable<ConnectionBatch>
  /** A host has been revoked; only a director knows hosts. Returns whether it knew this one. */
  revoked?(hostId: string): boolean
}

export type ConnectionsRequest = Pick<ListConnectionsRequest__Output, 'service' | 'disturb'>

export interface ControlOptions {
  readonly socket: string
  readonly control: Control
  readonly log: Log
  /** May change what the daemon does; default: only root. */
  readonly adminGroup?: string | undefined
  /** May look. */
  readonly readers?: string
}

/**
 * Serves `control` on two unix sockets: what only looks on `socket`, for the group of readers, and everything on
 * `adminSocketOf(socket)`, for root and `adminGroup`. The kernel decides by the rights of the files who may connect (unix(7)); gRPC
 * in Node does not tell who has. Throws RPC_LISTEN when another process serves one of them.
 */
export async function serveControl(options: ControlOptions): Promise<Pick<RpcServer, 'close'>> {
  const { socket, control, log, adminGroup, readers = READERS } = options
  const adminSocket = adminSocketOf(socket)
  const all = handlers(control, log)
  const serve = async (path: string, handlers: ControlHandlers, share: (socket: string) => void) => {
    const add: RpcServerOptions['add'] = (server, proto) => server.addService(proto.control.service, handlers)
    const server = await serveRpc({ listen: `unix:${path}`, share, add })
    server.setServing(true)
    return server
  }
  const servers = await Promise.allSettled([
    serve(socket, readingOnly(all, adminSocket), bound => {
      const problem = shareSocket(bound, readers)
      if (problem !== undefined) log.notice('only root may look at the control socket', { socket, problem })
    }),
    serve(adminSocket, all, bound => {
      const problem = shareSocket(bound, adminGroup)
      if (problem === undefined) return
      const err = new CrossportError('ADMIN_GROUP', `${adminSocket}: ${problem}`, { fields: { socket: adminSocket } })
      log.warn('only root may change anything', { err })
    }),
  ])
  const close = async () => {
    for (const server of servers) if (server.status === 'fulfilled') await server.value.close()
  }
  const failed = servers.find(server => server.status === 'rejected')
  if (failed === undefined) return { close }
  await close()
  throw failed.reason
}

type Refused = { emit(event: 'error', error: unknown): boolean }

/** Refuses all that is not known to look only. */
function readingOnly(all: ControlHandlers, adminSocket: string): ControlHandlers {
  const error = {
    code: grpc.status.PERMISSION_DENIED,
    details: `permission denied: this is asked on ${adminSocket}, by root or the daemon's adminGroup`,
  }
  const denied = (call: Refused, reply?: (error: unknown) => void) => {
    if (reply === undefined) call.emit('error', error)
    else reply(error)
  }
  const none = Object.fromEntries(Object.keys(all).map(name => [name, denied]))
  return {
    ...(none as unknown as ControlHandlers),
    GetStatus: all.GetStatus,
    Watch: all.Watch,
    // Reading the table nevertheless stops the switch for a while.
    ListConnections: call => (call.request.disturb ? denied(call) : all.ListConnections(call)),
  }
}

function handlers(control: Control, log: Log): ControlHandlers {
  const watchers = new Set<unknown>()
  let tearingDown = false
  return {
    GetStatus: call => {
      const failed = (err: unknown) => refuse(call, err, log)
      attempt(async () => sendStatus(call, control.getStatus())).then(() => call.end(), failed)
    },
    Resync: (_call, reply) => answer(() => control.resync(), reply, log),
    Teardown: call => {
      if (tearingDown) return refuse(call, new Error('another teardown is under way'), log)
      tearingDown = true
      void teardown(call, control, log).finally(() => (tearingDown = false))
    },
    ListConnections: call => {
      if (control.connections === undefined) {
        call.emit('error', { code: grpc.status.UNIMPLEMENTED, details: 'only a director has a connection table' })
        return
      }
      stream(call, control.connections(call.request)).catch((err: unknown) => refuse(call, err, log))
    },
    Revoked: (call, reply) => {
      const { revoked } = control
      if (revoked === undefined)
        return reply({ code: grpc.status.UNIMPLEMENTED, details: 'only a director revokes hosts' })
      answer(async () => ({ known: revoked(call.request.hostId) }), reply, log)
    },
    Watch: call => watch(call, control, log, watchers),
  }
}

/** Of the process's time that all watchers together may take: a status of ten thousand services is not made in no time. */
const WATCH_SHARE = 0.1

/** Changes come in bursts: one message tells of all that has changed since the last, no faster than the other side reads. */
function watch(
  call: grpc.ServerWritableStream<GetStatusRequest__Output, Status>,
  control: Control,
  log: Log,
  watchers: Set<unknown>,
): void {
  watchers.add(call)
  let changed = false
  let resting = false
  const send = async () => {
    changed = false
    resting = true
    const busy = await sendStatus(call, control.getStatus())
    await delay((busy * watchers.size) / WATCH_SHARE, undefined, { ref: false })
    resting = false
    if (changed) tell()
  }
  const tell = () => {
    if (!call.cancelled) send().catch((err: unknown) => refuse(call, err, log))
  }
  tell()
  const stopListening = control.onChange(() => {
    if (changed) return
    changed = true
    if (!resting) setImmediate(tell)
  })
  const stop = () => {
    watchers.delete(call)
    stopListening()
  }
  for (const event of ['cancelled', 'error', 'close'] as const) call.on(event, stop)
}

function answer<Reply>(make: () => Promise<Reply>, reply: grpc.sendUnaryData<Reply>, log: Log): void {
  make().then(
    value => reply(null, value),
    (err: unknown) => {
      log.warn('a control request failed', { err })
      reply(failure(err))
    },
  )
}

/** No faster than the other side reads. */
async function stream(
  call: grpc.ServerWritableStream<ListConnectionsRequest__Output, ConnectionBatch>,
  batches: AsyncIterable<ConnectionBatch>,
): Promise<void> {
  for await (const batch of batches) {
    if (call.cancelled) return
    await write(call, batch)
  }
  call.end()
}

/** Whoever has asked for it may go before its end, by an interrupt or because its time is up: it is not done without them. */
function teardown(
  call: grpc.ServerWritableStream<TeardownRequest__Output, TeardownProgress>,
  control: Control,
  log: Log,
): Promise<void> {
  const gone = new AbortController()
  call.on('cancelled', () => gone.abort(new Error('nobody waits for the teardown any more')))
  let told: string | undefined
  const waitingFor = (what: string) => {
    if (what === told || call.cancelled) return
    told = what
    call.write({ waitingFor: what })
  }
  return attempt(() => control.teardown(waitingFor, gone.signal)).then(
    done => {
      call.write({ done })
      call.end()
    },
    (err: unknown) => refuse(call, err, log),
  )
}

/** What is thrown before the first wait is a rejection, too. */
const attempt = async <T>(make: () => Promise<T>): Promise<T> => make()

function refuse(call: { emit(event: 'error', error: unknown): boolean }, err: unknown, log: Log): void {
  log.warn('a control request failed', { err })
  call.emit('error', failure(err))
}

function failure(err: unknown): Partial<grpc.ServiceError> & { code: grpc.status } {
  const metadata = new grpc.Metadata()
  if (err instanceof CrossportError) metadata.set('crossport-code', err.code)
  return { code: grpc.status.INTERNAL, details: messageOf(err), metadata }
}
