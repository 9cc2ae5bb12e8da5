import { status as grpcStatus, type ServiceError } from '@grpc/grpc-js'
import { controlClient } from '../shared/rpc/client.ts'
import type { ControlClient } from '../shared/rpc/gen/crossport/v1/Control.ts'
import type { Status__Output } from '../shared/rpc/gen/crossport/v1/Status.ts'
import { READERS } from '../shared/rpc/rights.ts'
import { readStatus } from '../shared/rpc/status.ts'

/** How long a daemon may take to answer (ms). Resync and teardown wait for the switch and for guests. */
export const DEADLINE = { status: 5_000, act: 60_000 } as const

export type Answer<T> = { readonly value: T } | { readonly unreachable: string } | { readonly failed: string }

type Unary<T> = (client: ControlClient, deadline: Date, done: (error: ServiceError | null, value?: T) => void) => void

/** One call to a daemon's control socket. What went wrong is an answer, in words for the operator. */
export async function call<T>(socket: string, unary: Unary<T>): Promise<Answer<T>> {
  const client = controlClient(socket)
  try {
    return await new Promise<Answer<T>>(resolve => {
      unary(client, new Date(Date.now() + DEADLINE.act), (error, value) => {
        if (error) resolve(explain(socket, error))
        else resolve({ value: value as T })
      })
    })
  } finally {
    client.close()
  }
}

/** The status of the daemon behind this socket. */
export async function status(socket: string): Promise<Answer<Status__Output>> {
  const client = controlClient(socket)
  try {
    return { value: await readStatus(client, { deadline: new Date(Date.now() + DEADLINE.status) }) }
  } catch (error) {
    return explain(socket, error as ServiceError)
  } finally {
    client.close()
  }
}

const whoMay = (socket: string) =>
  /-admin(\.sock)?$/.test(socket)
    ? `run as root, or be in the daemon's adminGroup and in group ${READERS}`
    : `be in group ${READERS}, or run as root`

/** What a failed call means to the operator. */
export function explain(socket: string, error: ServiceError): { unreachable: string } | { failed: string } {
  if (error.code === grpcStatus.DEADLINE_EXCEEDED) {
    return { unreachable: `the daemon on ${socket} does not answer in time; see its journal` }
  }
  if (error.code !== grpcStatus.UNAVAILABLE) return { failed: error.details || error.message }
  if (/EACCES|EPERM/.test(error.details)) return { unreachable: `${socket}: permission denied: ${whoMay(socket)}` }
  return { unreachable: `no daemon answers on ${socket} (is the service running? systemctl status 'crossport-*')` }
}
