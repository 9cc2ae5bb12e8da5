import type { Scheduler, ServiceSpec } from '../../shared/config/service.ts'
import type { RealServer, RegistryProblem } from './types.ts'

/** A virtual service with the real servers that have registered for it. */
export interface VirtualService {
  /** `tcp 10.10.1.100:80`: what clients connect to; names its zone and group for ever. */
  readonly key: string
  readonly service: string
  readonly vip: string
  readonly port: number
  readonly protocol: 'tcp' | 'udp'
  readonly scheduler: Scheduler
  readonly clients: readonly string[]
  /** file:line, or the host whose file it is. */
  readonly source: string
  readonly realServers: readonly RealServer[]
}

const SCHEDULERS: readonly string[] = ['rr', 'wrr', 'lc', 'wlc', 'sed', 'nq', 'sh', 'dh', 'mh'] satisfies Scheduler[]

/**
 * The director's own files name virtual services; so do registrations, for a file may have been dropped on hosts only.
 * Real servers join the service of their name when they mean the same VIP, port and protocol.
 */
export function virtualServices(
  specs: readonly ServiceSpec[],
  realServers: readonly RealServer[],
): { services: readonly VirtualService[]; problems: readonly RegistryProblem[] } {
  const services = new Map<string, VirtualService>()
  const byName = new Map<string, VirtualService>()
  const add = (service: VirtualService) => {
    services.set(service.key, service)
    byName.set(service.service, service)
  }
  for (const spec of specs) add(fromSpec(spec))

  const problems: RegistryProblem[] = []
  const members = new Map<string, RealServer[]>()
  for (const rs of realServers) {
    const key = `${rs.protocol} ${rs.vip}:${rs.vipPort}`
    if (!byName.has(rs.service) && !services.has(key)) add(fromReport(rs, key))
    const named = byName.get(rs.service)
    if (named?.key === key) members.set(key, [...(members.get(key) ?? []), rs])
    else problems.push(mismatch(rs, key, named, services.get(key)))
  }
  const sorted = [...services.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
  return {
    services: sorted.map(service => ({ ...service, realServers: members.get(service.key) ?? [] })),
    problems,
  }
}

function fromSpec(spec: ServiceSpec): VirtualService {
  const { service, vip, port, protocol, scheduler, clients, source } = spec
  const key = `${protocol} ${vip}:${port}`
  return {
    key,
    service,
    vip,
    port,
    protocol,
    scheduler,
    clients,
    source: `${source.file}:${source.line}`,
    realServers: [],
  }
}

function fromReport(rs: RealServer, key: string): VirtualService {
  const { service, vip, vipPort, protocol, hostId } = rs
  const scheduler = SCHEDULERS.includes(rs.scheduler) ? (rs.scheduler as Scheduler) : 'wrr'
  // The hosts' own files say which clients are meant, and the hosts act on it.
  const clients = ['0.0.0.0/0']
  return { key, service, vip, port: vipPort, protocol, scheduler, clients, source: `host ${hostId}`, realServers: [] }
}

function mismatch(rs: RealServer, key: string, named?: VirtualService, holder?: VirtualService): RegistryProblem {
  const reason = named
    ? `host ${rs.hostId} has service ${rs.service} as ${key}, but ${named.source} says ${named.key}; make the files equal`
    : `host ${rs.hostId} has ${key} as service ${rs.service}, but ${holder?.source} calls it ${holder?.service}; make the files equal`
  return { subject: rs.id, service: rs.service, reason }
}
