import type { ServiceError } from '@grpc/grpc-js'
import { controlClient } from '../shared/rpc/client.ts'
import type { Connection__Output } from '../shared/rpc/gen/crossport/v1/Connection.ts'
import type { ConnectionBatch__Output } from '../shared/rpc/gen/crossport/v1/ConnectionBatch.ts'
import { adminSocketOf } from '../shared/rpc/socket.ts'
import { explain, status } from './call.ts'
import { EXIT, type Io } from './exit.ts'
import { DIRECTOR_SOCKET } from './sockets.ts'
import { table } from './status/table.ts'

export interface ConnectionsOptions {
  readonly service?: string
  readonly count?: boolean
  readonly disturb?: boolean
  readonly json?: boolean
  readonly socket?: readonly string[]
}

/** `crossport connections`: written as it comes, however many there are. */
export async function showConnections(options: ConnectionsOptions, io: Io): Promise<number> {
  const socket = options.socket?.[0] ?? DIRECTOR_SOCKET
  return options.count === true ? counts(socket, options, io) : list(socket, options, io)
}

async function list(
  socket: string,
  { service = '', disturb = false, json = false }: ConnectionsOptions,
  io: Io,
): Promise<number> {
  const asked = disturb ? adminSocketOf(socket) : socket
  const client = controlClient(asked)
  try {
    const stream = client.ListConnections({ service, disturb })
    let first = true
    for await (const { connections, note } of stream as AsyncIterable<ConnectionBatch__Output>) {
      if (note !== '') io.err(`${note}\n`)
      if (connections.length === 0) continue
      io.out(json ? connections.map(line).join('') : rows(connections, first))
      first = false
    }
    if (first && !json) io.out('no connections\n')
    return EXIT.ok
  } catch (error) {
    const said = explain(asked, error as ServiceError)
    io.err(`${'failed' in said ? said.failed : said.unreachable}\n`)
    return 'failed' in said ? EXIT.notInForce : EXIT.unreachable
  } finally {
    client.close()
  }
}

/** Without the names of gRPC's oneofs, which begin with an underscore. */
const line = (connection: Connection__Output) =>
  `${JSON.stringify(connection, (key, value: unknown) => (key.startsWith('_') ? undefined : value))}\n`

const HEADER = [
  'SERVICE',
  'PROTO',
  'CLIENT',
  'VIP',
  'VM',
  'REAL SERVER',
  'STATE',
  'TCP',
  'IDLE',
  'AGE',
  'PACKETS',
  'BYTES',
]
/** Of the columns before the last; so that batches line up with each other. */
const LEAST = [8, 5, 21, 21, 8, 16, 6, 11, 5, 5, 8]

function rows(connections: readonly Connection__Output[], withHeader: boolean): string {
  const padded = connections.map(one =>
    [
      one.service,
      one.protocol,
      one.client,
      one.vip,
      one.vm || '?',
      one.realServer || '?',
      one.state,
      one.tcpState || '-',
      `${one.idle}s`,
      one.age === undefined ? '-' : `${least(one)}${one.age}s`,
      one.packets === undefined ? '-' : `${least(one)}${one.packets}`,
      one.bytes === undefined ? '-' : `${least(one)}${one.bytes}`,
    ].map((cell, i) => cell.padEnd(LEAST[i] ?? 0)),
  )
  const text = table(HEADER, padded)
  return withHeader ? text : text.slice(text.indexOf('\n') + 1)
}

const least = ({ atLeast }: Connection__Output) => (atLeast ? '≥' : '')

async function counts(socket: string, { service, json = false }: ConnectionsOptions, io: Io): Promise<number> {
  const answer = await status(socket)
  if (!('value' in answer)) {
    io.err(`${'failed' in answer ? answer.failed : answer.unreachable}\n`)
    return EXIT.unreachable
  }
  const found = answer.value.services
    .filter(one => service === undefined || one.service === service)
    .flatMap(one => one.realServers.map(rs => ({ service: one.service, ...rs })))
  if (json) {
    for (const { service: name, id, vm, activeConnections: active, totalConnections: total } of found) {
      io.out(`${JSON.stringify({ service: name, realServer: id, vm, active, total })}\n`)
    }
    return EXIT.ok
  }
  const cells = found.map(rs => [rs.service, rs.vm, rs.id, String(rs.activeConnections), String(rs.totalConnections)])
  io.out(table(['SERVICE', 'VM', 'REAL SERVER', 'ACTIVE', 'TOTAL'], cells))
  return EXIT.ok
}
