import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type * as grpc from '@grpc/grpc-js'
import { CrossportError } from '../errors.ts'

export interface Listener {
  readonly port: number
  close(): void
}

/** Connections at a time; the kernel's queue holds what goes beyond until one has gone. */
const MOST_CONNECTIONS = 16_384

/** Listens on `host:port` for a server, which gets the connections that are admitted. Throws RPC_LISTEN. */
export async function listenFor(
  server: grpc.Server,
  listen: string,
  credentials: grpc.ServerCredentials,
  admit: (connection: Socket) => boolean,
): Promise<Listener> {
  const injector = server.createConnectionInjector(credentials)
  const listener = createServer((socket: Socket) => {
    // gRPC takes no notice of errors before the session; the connection closes after one.
    socket.on('error', () => {})
    if (admit(socket)) injector.injectConnection(socket)
  })
  listener.maxConnections = MOST_CONNECTIONS
  const [, host, port] = /^\[?(.*?)\]?:(\d+)$/.exec(listen) ?? []
  try {
    listener.listen({ host, port: Number(port) })
    await once(listener, 'listening')
  } catch (cause) {
    throw new CrossportError('RPC_LISTEN', `cannot listen on ${listen}`, { fields: { listen }, cause })
  }
  return {
    port: (listener.address() as AddressInfo).port,
    close: () => {
      listener.close()
      injector.destroy()
    },
  }
}
