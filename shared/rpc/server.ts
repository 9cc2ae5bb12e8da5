import { rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import * as grpc from '@grpc/grpc-js'
import { ReflectionService } from '@grpc/reflection'
import { HealthImplementation } from 'grpc-health-check'
import { CrossportError } from '../errors.ts'
import { listenFor } from './listener.ts'
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
  /** Whether a TCP connection may stay; who says no has destroyed it. Default: every one may. */
  readonly admit?: (connection: Socket) => boolean
  /** Streams at a time on one connection. */
  readonly mostStreams?: number
  /** Bytes of a message that is taken; default 4 MiB. */
  readonly mostBytes?: number
  /** Widens the rights of a unix socket, which are its owner's (the process's umask). */
  share?(socket: string): void
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
    ...(options.mostStreams === undefined ? {} : { 'grpc.max_concurrent_streams': options.mostStreams }),
    ...(options.mostBytes === undefined ? {} : { 'grpc.max_receive_message_length': options.mostBytes }),
  })
  options.add(server, proto)
  const names = ['', 'crossport.v1.Registration', 'crossport.v1.Control']
  const health = new HealthImplementation(Object.fromEntries(names.map(name => [name, 'NOT_SERVING'])))
  health.addToServer(server)
  new ReflectionService(proto.definition).addToServer(server)

  const socket = options.listen.startsWith('unix:') ? options.listen.slice('unix:'.length) : undefined
  if (socket !== undefined) await clearSocket(socket)
  const { admit, listen, tls } = options
  const { credentials, reload } = serverCredentials(tls)
  const listener =
    admit === undefined || socket !== undefined ? undefined : await listenFor(server, listen, credentials, admit)
  const port = listener?.port ?? (await bind(server, listen, credentials))
  if (socket !== undefined) options.share?.(socket)
  return {
    address: socket === undefined ? options.listen.replace(/:\d+$/, `:${port}`) : options.listen,
    setServing: serving => {
      for (const name of names) health.setStatus(name, serving ? 'SERVING' : 'NOT_SERVING')
    },
    reloadCertificate: reload,
    close: async () => {
      listener?.close()
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
