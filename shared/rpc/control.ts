import { setTimeout as delay } from 'node:timers/promises'
import * as grpc from '@grpc/grpc-js'
import { CrossportError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { ConnectionBatch } from './gen/crossport/v1/ConnectionBatch.ts'
import type { ControlHandlers } from './gen/crossport/v1/Control.ts'
import type { GetStatusRequest__Output } from './gen/crossport/v1/GetStatusRequest.ts'
import type { ListConnectionsRequest__Output } from './gen/crossport/v1/ListConnectionsRequest.ts'
import type { ResyncReply } from './gen/crossport/v1/ResyncReply.ts'
import type { Status } from './gen/crossport/v1/Status.ts'
import type { TeardownReply } from './gen/crossport/v1/TeardownReply.ts'
import { type RpcServer, serveRpc } from './server.ts'

/** What a daemon lets itself be asked on its control socket (proto: crossport.v1.Control). */
export interface Control {
  getStatus(): Status
  /** `changed` is called after every change of the status; the returned function ends that. */
  onChange(changed: () => void): () => void
  resync(): Promise<ResyncReply>
  teardown(): Promise<TeardownReply>
  /** The connection table in batches; only a director has one. `service` empty: all of them. */
  connections?(request: ConnectionsRequest): AsyncIterable<ConnectionBatch>
}

export type ConnectionsRequest = Pick<ListConnectionsRequest__Output, 'service' | 'disturb'>

/** Serves `control` on a unix socket, mode 0660. Throws RPC_LISTEN when another process serves it. */
export async function serveControl(options: { socket: string; control: Control; log: Log }): Promise<RpcServer> {
  const server = await serveRpc({
    listen: `unix:${options.socket}`,
    mode: 0o660,
    add: (grpcServer, proto) => grpcServer.addService(proto.control.service, handlers(options.control, options.log)),
  })
  server.setServing(true)
  return server
}

function handlers(control: Control, log: Log): ControlHandlers {
  return {
    GetStatus: (_call, reply) => answer(async () => control.getStatus(), reply, log),
    Resync: (_call, reply) => answer(() => control.resync(), reply, log),
    Teardown: (_call, reply) => answer(() => control.teardown(), reply, log),
    ListConnections: call => {
      if (control.connections === undefined) {
        call.emit('error', { code: grpc.status.UNIMPLEMENTED, details: 'only a director has a connection table' })
        return
      }
      stream(call, control.connections(call.request)).catch((err: unknown) => {
        log.warn('a control request failed', { err })
        call.emit('error', failure(err))
      })
    },
    Watch: call => watch(call, control),
  }
}

/** Of the process's time that one watcher may take: a status of ten thousand services is not made in no time. */
const WATCH_SHARE = 0.1

/** Changes come in bursts: one message tells of all that has changed since the last, no faster than the other side reads. */
function watch(call: grpc.ServerWritableStream<GetStatusRequest__Output, Status>, control: Control): void {
  let changed = false
  let resting = false
  const send = () => {
    if (call.cancelled) return
    changed = false
    resting = true
    const begin = performance.now()
    const flushed = call.write(control.getStatus())
    const rest = delay((performance.now() - begin) / WATCH_SHARE, undefined, { ref: false })
    void Promise.all([rest, flushed || drained(call)]).then(() => {
      resting = false
      if (changed) send()
    })
  }
  send()
  const stop = control.onChange(() => {
    if (changed) return
    changed = true
    if (!resting) setImmediate(send)
  })
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
    if (!call.write(batch)) await drained(call)
  }
  call.end()
}

function drained<Request, Reply>(call: grpc.ServerWritableStream<Request, Reply>): Promise<void> {
  return new Promise(resolve => {
    for (const event of ['drain', 'cancelled', 'close'] as const) call.once(event, () => resolve())
  })
}

function failure(err: unknown): Partial<grpc.ServiceError> & { code: grpc.status } {
  const metadata = new grpc.Metadata()
  if (err instanceof CrossportError) metadata.set('crossport-code', err.code)
  return { code: grpc.status.INTERNAL, details: err instanceof Error ? err.message : String(err), metadata }
}
