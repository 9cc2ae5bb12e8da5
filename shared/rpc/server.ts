import { chmodSync, rmSync } from 'node:fs'
import * as grpc from '@grpc/grpc-js'
import { ReflectionService } from '@grpc/reflection'
import { HealthImplementation } from 'grpc-health-check'
import { CrossportError } from '../errors.ts'
import { loadProto, type Proto } from './load.ts'
import { clearSocket } from './socket.ts'
import { serverCredentials, type TlsFiles } from './tls.ts'

export interface RpcServer {
  /** `host:port` with the port that was bound, or `unix:/path`. */
  readonly address: string
  /** Answers the standard health service (grpc.health.v1) with this, for all services. */
  setServing(serving: boolean): void
  /** Shows peers that come later the certificate that is in the files now. Throws RPC_TLS. */
  reloadCertificate(): void
  /** Ends streams at once: both sides of every stream know how to come back. */
  close(): Promise<void>
}

export interface RpcServerOptions {
  /** `host:port` (port 0: any) or `unix:/path`. */
  readonly listen: string
  readonly tls?: TlsFiles | undefined
  /** Adds its services to the server. */
  readonly add: (server: grpc.Server, proto: Proto) => void
  /** Bytes of a message that is taken; default 4 MiB. */
  readonly mostBytes?: number
  /** File mode of a unix socket. */
  readonly mode?: number
}

/**
 * A gRPC server with the standard health and reflection services beside ours.
 * A socket file that no process listens on is replaced; one that is in use throws RPC_LISTEN.
 */
export async function serveRpc(options: RpcServerOptions): Promise<RpcServer> {
  const proto = loadProto()
  const server = new grpc.Server({
    'grpc.keepalive_time_ms': 10_000,
    'grpc.keepalive_timeout_ms': 5_000,
    'grpc.http2.min_ping_interval_without_data_ms': 5_000,
    ...(options.mostBytes === undefined ? {} : { 'grpc.max_receive_message_length': options.mostBytes }),
  })
  options.add(server, proto)
  const names = ['', 'crossport.v1.Registration', 'crossport.v1.Control']
  const health = new HealthImplementation(Object.fromEntries(names.map(name => [name, 'NOT_SERVING'])))
  health.addToServer(server)
  new ReflectionService(proto.definition).addToServer(server)

  const socket = options.listen.startsWith('unix:') ? options.listen.slice('unix:'.length) : undefined
  if (socket !== undefined) await clearSocket(socket)
  const { credentials, reload } = serverCredentials(options.tls)
  const port = await bind(server, options.listen, credentials)
  if (socket !== undefined) chmodSync(socket, options.mode ?? 0o660)
  return {
    address: socket === undefined ? options.listen.replace(/:\d+$/, `:${port}`) : options.listen,
    setServing: serving => {
      for (const name of names) health.setStatus(name, serving ? 'SERVING' : 'NOT_SERVING')
    },
    reloadCertificate: reload,
    close: async () => {
      server.forceShutdown()
      if (socket !== undefined) rmSync(socket, { force: true })
    },
  }
}

/** Resolves with the port. Throws RPC_LISTEN. */
export function bind(server: grpc.Server, listen: string, credentials: grpc.ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(listen, credentials, (cause, port) => {
      if (cause === null) resolve(port)
      else reject(new CrossportError('RPC_LISTEN', `cannot listen on ${listen}`, { fields: { listen }, cause }))
    })
  })
}
