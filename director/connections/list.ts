import { setImmediate as breathe } from 'node:timers/promises'
import { CrossportError } from '../../shared/errors.ts'
import type { Connection } from '../../shared/rpc/gen/crossport/v1/Connection.ts'
import type { ConnectionTimeouts } from '../apply/conntrack.ts'
import { ENDED } from '../compile/tables.ts'
import type { CompiledService } from '../compile/types.ts'
import type { Plan } from '../plan.ts'
import type { VirtualService } from '../registry/services.ts'
import type { RealServer } from '../registry/types.ts'
import { parseEntry } from './parse.ts'

export interface ListOptions {
  readonly plan: Plan
  /** Empty: all. */
  readonly service: string
  readonly timeouts: ConnectionTimeouts
  readonly markOf: (service: VirtualService, id: string) => number
  /** The text of `dpctl/dump-conntrack -s` of one zone. */
  readonly dump: (zone: number) => Promise<string>
  /** Read it whatever that costs. */
  readonly disturb: boolean
  /** How many entries the table has; undefined where reading it stops nothing. */
  readonly entries: () => Promise<number | undefined>
  /** Milliseconds since 1970. */
  readonly now: number
}

/**
 * While ovs-vswitchd writes its table down, it forwards nothing through ports that it polls in the same thread (measured:
 * 6 to 15 µs an entry). So long, in milliseconds, is no more than what a busy machine does anyway.
 */
const UNNOTICED_MS = 20
const ENTRY_MS = 0.007

/** Connections in one message, and between two chances for others to run. */
const BATCH = 500

/**
 * The connection table in batches, service by service: one of them at a time is in memory. The daemon goes on with its
 * other work between two batches. Throws SERVICE_UNKNOWN; CONNECTIONS_MANY, before anything is read, when clients
 * would notice; and what `dump` throws.
 */
export async function* listConnections(options: ListOptions): AsyncGenerator<readonly Connection[]> {
  const { plan, service: wanted } = options
  const chosen = plan.services.flatMap((service, i) =>
    wanted === '' || service.service === wanted ? [{ service, compiled: plan.compiled[i]! }] : [],
  )
  if (wanted !== '' && chosen.length === 0) {
    const names = plan.services.map(({ service }) => service).join(', ')
    throw new CrossportError('SERVICE_UNKNOWN', `there is no service ${wanted}; there are: ${names || 'none'}`)
  }
  if (!options.disturb) await mustGoUnnoticed(options.entries)
  for (const { service, compiled } of chosen) yield* ofService(service, compiled, options)
}

async function mustGoUnnoticed(entries: ListOptions['entries']): Promise<void> {
  const count = (await entries()) ?? 0
  const stall = count * ENTRY_MS
  if (stall <= UNNOTICED_MS) return
  throw new CrossportError(
    'CONNECTIONS_MANY',
    `reading ${count} connections would stop ovs-vswitchd from forwarding for ${(stall / 1000).toFixed(2)} s or more; \`--count\` disturbs nobody, \`--disturb\` reads them all the same`,
  )
}

async function* ofService(
  service: VirtualService,
  compiled: CompiledService,
  options: ListOptions,
): AsyncGenerator<readonly Connection[]> {
  const byMark = new Map(service.realServers.map(rs => [options.markOf(service, rs.id), rs]))
  const text = await options.dump(compiled.zone)
  let batch: Connection[] = []
  for (let at = 0; at < text.length; ) {
    const next = text.indexOf('\n', at)
    const end = next < 0 ? text.length : next
    const connection = toConnection(text.slice(at, end), service, byMark, options)
    if (connection !== undefined) batch.push(connection)
    at = end + 1
    if (batch.length < BATCH) continue
    yield batch
    batch = []
    await breathe()
  }
  if (batch.length > 0) yield batch
}

function toConnection(
  line: string,
  { service, protocol }: VirtualService,
  byMark: ReadonlyMap<number, RealServer>,
  { timeouts, now }: ListOptions,
): Connection | undefined {
  const entry = parseEntry(line)
  if (entry === undefined) return undefined
  const { packets, bytes, start, timeout } = entry
  const rs = byMark.get(entry.mark % ENDED)
  return {
    service,
    protocol,
    client: `${entry.client}:${entry.clientPort}`,
    vip: `${entry.vip}:${entry.vipPort}`,
    realServer: rs?.id ?? '',
    vm: rs?.vm ?? '',
    state: entry.mark >= ENDED ? 'ended' : 'active',
    idle: timeout === undefined ? 0 : Math.max(0, timeouts[protocol] - timeout),
    ...(start === undefined ? {} : { age: Math.max(0, Math.round((now - start) / 1000)) }),
    ...(packets === undefined ? {} : { packets }),
    ...(bytes === undefined ? {} : { bytes }),
  }
}
