import { setImmediate } from 'node:timers/promises'
import type * as grpc from '@grpc/grpc-js'
import type { ControlClient } from './gen/crossport/v1/Control.ts'
import type { HostStatus } from './gen/crossport/v1/HostStatus.ts'
import type { Problem } from './gen/crossport/v1/Problem.ts'
import type { RealServerStatus } from './gen/crossport/v1/RealServerStatus.ts'
import type { ServiceStatus } from './gen/crossport/v1/ServiceStatus.ts'
import type { Status, Status__Output } from './gen/crossport/v1/Status.ts'
import type { Vm } from './gen/crossport/v1/Vm.ts'
import { type Sink, write } from './write.ts'

/** One service; its real servers are made as they are asked for. */
export interface ServiceSource extends Omit<ServiceStatus, 'realServers'> {
  readonly realServers?: Iterable<RealServerStatus>
}

interface Sources {
  readonly services?: Iterable<ServiceSource>
  readonly hosts?: Iterable<HostStatus>
  readonly problems?: Iterable<Problem>
  readonly vms?: Iterable<Vm>
}

/** A status whose long lists are made as they are asked for. A whole `Status` is one, too. */
export type StatusSource = Omit<Status, keyof Sources | 'more'> & Sources

interface Lists {
  readonly services: (ServiceStatus & { readonly realServers: RealServerStatus[] })[]
  readonly hosts: HostStatus[]
  readonly problems: Problem[]
  readonly vms: Vm[]
}

/** Items of one piece: some milliseconds, and far below the 4 MiB that gRPC takes as one message. */
const MOST = 250

/** A status as it is sent. Each piece is made when it is asked for. */
export function* statusPieces({ services, hosts, problems, vms, ...head }: StatusSource): Generator<Status> {
  const empty = (): Lists => ({ services: [], hosts: [], problems: [], vms: [] })
  let piece: Status & Lists = { ...head, ...empty() }
  let items = 0
  for (const put of putsOf({ services, hosts, problems, vms } as Sources)) {
    put(piece)
    if (++items < MOST) continue
    yield { ...piece, more: true }
    piece = empty()
    items = 0
  }
  yield { ...piece, more: false }
}

/** What puts the next item into a piece. */
function* putsOf({ services, hosts, problems, vms }: Sources): Generator<(piece: Lists) => void> {
  for (const { realServers = [], ...front } of services ?? []) {
    let part = { ...front, realServers: [] as RealServerStatus[] }
    yield piece => piece.services.push(part)
    for (const realServer of realServers)
      yield piece => {
        if (piece.services.at(-1) !== part) {
          part = { ...front, realServers: [] }
          piece.services.push(part)
        }
        part.realServers.push(realServer)
      }
  }
  for (const host of hosts ?? []) yield piece => piece.hosts.push(host)
  for (const problem of problems ?? []) yield piece => piece.problems.push(problem)
  for (const vm of vms ?? []) yield piece => piece.vms.push(vm)
}

/**
 * Sends a status, no faster than the other side reads; others have their turn between its pieces.
 *
 * @returns milliseconds that its making has taken
 */
export async function sendStatus(call: Sink<Status>, status: StatusSource): Promise<number> {
  let busy = 0
  const pieces = statusPieces(status)
  for (;;) {
    const begin = performance.now()
    const { value, done } = pieces.next()
    if (done === true || call.cancelled) return busy
    const written = write(call, value)
    busy += performance.now() - begin
    await written
    await setImmediate()
  }
}

/** Puts pieces together: gives the status with its last one, and undefined before. */
export function createStatusReader(): (piece: Status__Output) => Status__Output | undefined {
  let whole: Status__Output | undefined
  return piece => {
    if (whole === undefined) whole = { ...piece, more: false }
    else {
      for (const service of piece.services) addService(whole.services, service)
      whole.hosts.push(...piece.hosts)
      whole.problems.push(...piece.problems)
      whole.vms.push(...piece.vms)
    }
    if (piece.more) return undefined
    const done = whole
    whole = undefined
    return done
  }
}

function addService(services: Status__Output['services'], next: Status__Output['services'][number]): void {
  const last = services.at(-1)
  const same = last?.service === next.service && last.vip === next.vip && last.port === next.port
  if (same && last.protocol === next.protocol) last.realServers.push(...next.realServers)
  else services.push(next)
}

/** One status. Rejects with gRPC's error. */
export function readStatus(client: ControlClient, options: grpc.CallOptions = {}): Promise<Status__Output> {
  return new Promise((resolve, reject) => {
    const add = createStatusReader()
    const call = client.GetStatus({}, options)
    call.on('data', (piece: Status__Output) => {
      const status = add(piece)
      if (status !== undefined) resolve(status)
    })
    call.on('error', reject)
    call.on('end', () => reject(new Error('the daemon has closed the stream before the end of its status')))
  })
}
