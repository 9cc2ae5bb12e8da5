import { setImmediate as breathe } from 'node:timers/promises'
import { CrossportError } from '../../shared/errors.ts'
import { endpoint, familyOf, familyOfNumber } from '../../shared/net/family.ts'
import type { Connection } from '../../shared/rpc/gen/crossport/v1/Connection.ts'
import type { ConnectionBatch } from '../../shared/rpc/gen/crossport/v1/ConnectionBatch.ts'
import { type Account, type Accounts, type Listener, listenerOf } from '../accounting/accounts.ts'
import { ENDED } from '../compile/tables.ts'
import type { CompiledService } from '../compile/types.ts'
import type { ConnectionTimeouts } from '../config.ts'
import type { Plan } from '../plan/plan.ts'
import type { VirtualService } from '../registry/services.ts'
import { type Entry, parseEntry } from './parse.ts'
import { tcpStateOf } from './tcp-state.ts'

export interface ListOptions {
  readonly plan: Plan
  /** Name of a service; empty: all services. */
  readonly service: string
  readonly timeouts: ConnectionTimeouts
  readonly markOf: (service: VirtualService, id: string) => number
  /** Reads `dpctl/dump-conntrack -m -s` of one zone as text. */
  readonly dump: (zone: number) => Promise<string>
  /** Read the table even if that stops forwarding. */
  readonly disturb: boolean
  /** Number of the table's entries; undefined where reading it stops nothing. */
  readonly entries: () => Promise<number | undefined>
  /** The director's own accounts; undefined where it keeps none. */
  readonly accounts: Pick<Accounts, 'find' | 'list' | 'isWhole'> | undefined
  /** Clock milliseconds. */
  readonly now: number
  /** Wall clock, milliseconds since 1970. */
  readonly wall: number
}

/**
 * While ovs-vswitchd writes out its table, it forwards nothing through ports that the same thread polls (measured: 6 to 15 µs per
 * entry). A pause of so many milliseconds also happens on any busy machine.
 */
const UNNOTICED_MS = 20
const ENTRY_MS = 0.007

/** Connections in one message; other work gets a chance to run between two messages. */
const BATCH = 500

/**
 * Lists the connections in batches, service by service; the daemon does its other work between two batches. They are read from
 * the switch where clients do not notice, or on demand, and otherwise from the director's own accounts. Throws SERVICE_UNKNOWN;
 * CONNECTIONS_MANY, before anything is read, when clients would notice and there are no accounts; and the errors of `dump`.
 */
export async function* listConnections(options: ListOptions): AsyncGenerator<ConnectionBatch> {
  const { plan, service: wanted } = options
  const chosen = plan.services.flatMap((service, i) =>
    wanted === '' || service.service === wanted ? [{ service, compiled: plan.compiled[i]! }] : [],
  )
  if (wanted !== '' && chosen.length === 0) {
    const names = plan.services.map(({ service }) => service).join(', ')
    throw new CrossportError('SERVICE_UNKNOWN', `there is no service ${wanted}; there are: ${names || 'none'}`)
  }
  const entries = options.disturb ? undefined : await entriesThatDisturb(options.entries)
  if (entries !== undefined && options.accounts === undefined) throw many(entries)
  if (entries !== undefined) yield { note: `${stall(entries)}. ${FROM_ACCOUNTS}` }
  const read = entries === undefined ? fromSwitch : fromAccounts
  for (const { service, compiled } of chosen) {
    let connections: Connection[] = []
    for await (const connection of read(service, compiled, options)) {
      connections.push(connection)
      if (connections.length < BATCH) continue
      yield { connections }
      connections = []
      await breathe()
    }
    if (connections.length > 0) yield { connections }
  }
}

const FROM_ACCOUNTS =
  'These are those that the director itself has heard of: not in the list is who has been silent since it started, or began when too many did; `--disturb` reads them all from the switch'

/** Number of entries, if reading them would stop the switch for a noticeable time. */
async function entriesThatDisturb(entries: ListOptions['entries']): Promise<number | undefined> {
  const count = await entries()
  return isNoticed(count) ? count : undefined
}

/** Whether clients would notice that so many entries are read; undefined: reading them stops nothing. */
export function isNoticed(entries: number | undefined): boolean {
  return (entries ?? 0) * ENTRY_MS > UNNOTICED_MS
}

function stall(count: number): string {
  return `reading ${count} connections would stop ovs-vswitchd from forwarding for ${((count * ENTRY_MS) / 1000).toFixed(2)} s or more`
}

function many(count: number): CrossportError {
  return new CrossportError(
    'CONNECTIONS_MANY',
    `${stall(count)}; \`--count\` disturbs nobody, \`--disturb\` reads them all the same`,
  )
}

type Source = (
  service: VirtualService,
  compiled: CompiledService,
  options: ListOptions,
) => AsyncGenerator<Connection> | Generator<Connection>

const fromSwitch: Source = async function* (service, compiled, options) {
  const complete = rowsOf(service, compiled, options)
  const { accounts, timeouts } = options
  const listener = listenerOf(compiled)
  const text = await options.dump(compiled.zone)
  for (let at = 0; at < text.length; ) {
    const next = text.indexOf('\n', at)
    const end = next < 0 ? text.length : next
    const entry = parseEntry(text.slice(at, end))
    at = end + 1
    if (entry === undefined) continue
    const { client, clientPort, mark, states, timeout = 0 } = entry
    const longest = timeouts[service.protocol]
    const tcp = states && tcpStateOf(states, longest)
    const account = accounts?.find(listener, { address: familyOf(client).parse(client) ?? 0, port: clientPort })
    yield complete({
      client: endpoint(client, clientPort),
      mark: mark % ENDED,
      ended: mark >= ENDED,
      // The time that the entry has been idle: its state's full timeout less what is left.
      idle: entry.timeout === undefined ? 0 : Math.max(0, (tcp?.seconds ?? longest) - timeout),
      ...(tcp === undefined ? {} : { tcpState: tcp.name }),
      ...(entry.packets === undefined ? counted(account, listener, options) : countedThere(entry, options)),
    })
  }
}

const fromAccounts: Source = function* (service, compiled, options) {
  const complete = rowsOf(service, compiled, options)
  const listener = listenerOf(compiled)
  for (const [{ address, port }, account] of options.accounts?.list(listener, options.now) ?? []) {
    yield complete({
      client: endpoint(familyOfNumber(address).format(address), port),
      mark: account.mark,
      ended: account.ended,
      idle: Math.round((options.now - account.last) / 1000),
      ...counted(account, listener, options),
    })
  }
}

type Counted = Pick<Connection, 'age' | 'packets' | 'bytes' | 'atLeast'>

function countedThere({ packets, bytes, start }: Entry, { wall }: ListOptions): Counted {
  return {
    ...(start === undefined ? {} : { age: Math.max(0, Math.round((wall - start) / 1000)) }),
    ...(packets === undefined ? {} : { packets }),
    ...(bytes === undefined ? {} : { bytes }),
  }
}

function counted(account: Account | undefined, listener: Listener, { accounts, now }: ListOptions): Counted {
  if (account === undefined) return {}
  const { start, packets, bytes } = account
  const atLeast = accounts?.isWhole(listener, account) !== true
  return { age: Math.max(0, Math.round((now - start) / 1000)), packets, bytes, atLeast }
}

interface Seen extends Counted {
  readonly client: string
  readonly mark: number
  readonly ended: boolean
  readonly idle: number
  readonly tcpState?: string
}

function rowsOf(virtual: VirtualService, compiled: CompiledService, { markOf }: ListOptions) {
  const { service, protocol, realServers } = virtual
  const byMark = new Map(realServers.map(rs => [markOf(virtual, rs.id), rs]))
  const vip = endpoint(compiled.vip, compiled.port)
  return ({ mark, ended, ...seen }: Seen): Connection => {
    const rs = byMark.get(mark)
    const state = ended ? 'ended' : 'active'
    return { service, protocol, vip, realServer: rs?.id ?? '', vm: rs?.vm ?? '', state, ...seen }
  }
}
