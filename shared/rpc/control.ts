import * as grpc from '@grpc/grpc-js'
import { CrossportError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { ControlHandlers } from './gen/crossport/v1/Control.ts'
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
}

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
    Watch: call => {
      let scheduled = false
      call.write(control.getStatus())
      // Changes come in bursts; one message tells of all of a burst.
      const stop = control.onChange(() => {
        if (scheduled) return
        scheduled = true
        setImmediate(() => {
          scheduled = false
          if (!call.cancelled) call.write(control.getStatus())
        })
      })
      call.on('cancelled', stop)
      call.on('error', stop)
      call.on('close', stop)
    },
  }
}

function answer<Reply>(make: () => Promise<Reply>, reply: grpc.sendUnaryData<Reply>, log: Log): void {
  make().then(
    value => reply(null, value),
    (err: unknown) => {
      log.warn('a control request failed', { err })
      const metadata = new grpc.Metadata()
      if (err instanceof CrossportError) metadata.set('crossport-code', err.code)
      reply({ code: grpc.status.INTERNAL, details: err instanceof Error ? err.message : String(err), metadata })
    },
  )
}
