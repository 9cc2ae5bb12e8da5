import { type RealServerSpec, SCHEDULERS, type Scheduler, type ServiceSpec } from '../../shared/config/service.ts'
import { vmMatcher } from '../../shared/config/vm-pattern.ts'
import { compareTexts } from '../../shared/lists.ts'
import { FAMILIES, familyOf } from '../../shared/net/family.ts'
import type { Family } from '../../shared/net/types.ts'
import type { RealServer, RegistryProblem } from './types.ts'

/** A virtual service with the real servers that have registered for it. */
export interface VirtualService {
  /** `tcp 10.10.1.100:80`: the clients' destination. It names the service's zone and group for as long as the service exists. */
  readonly key: string
  readonly service: string
  readonly vip: string
  readonly port: number
  readonly protocol: 'tcp' | 'udp'
  readonly scheduler: Scheduler
  readonly clients: readonly string[]
  /** file:line of the service, or the host that has its file. */
  readonly source: string
  readonly options: ServiceOptions
  readonly realServers: readonly RealServer[]
}

/** Options that only the director acts on, from its own service file. A service whose file is only on hosts has the defaults. */
export type ServiceOptions = Pick<
  ServiceSpec,
  'slowStart' | 'drainTimeout' | 'persistence' | 'onFailure' | 'onEmpty' | 'passive'
>

const NONE: ServiceOptions = {}
const EVERYONE: ReadonlyMap<Family, readonly string[]> = new Map(FAMILIES.map(family => [family, [family.anyone]]))

/**
 * The services that the director's own files and the registrations name (a file may be only on hosts). A real server joins the
 * service of its name when both have the same VIP, port and protocol.
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
  for (const spec of specs) add(fromSpec(spec, []))
  for (const rs of realServers) {
    if (!byName.has(rs.service) && !services.has(keyOf(rs))) add(fromReport(rs, []))
  }

  const problems: RegistryProblem[] = []
  const members = new Map<string, RealServer[]>()
  for (const rs of realServers) {
    const key = keyOf(rs)
    const named = byName.get(rs.service)
    if (named?.key !== key) problems.push(mismatch(rs, named, services.get(key)))
    else if (members.get(key)?.push(rs) === undefined) members.set(key, [rs])
  }
  const specOf = new Map(specs.map(spec => [specKey(spec), spec]))
  return {
    services: [...services.values()]
      .sort((a, b) => compareTexts(a.key, b.key))
      .map(service => {
        const own = members.get(service.key) ?? []
        const spec = specOf.get(service.key)
        return spec === undefined ? { ...service, realServers: own } : fromSpec(spec, own)
      }),
    problems,
  }
}

/** Key of the service that a real server claims to serve. */
export function keyOf({ protocol, vip, vipPort }: RealServer): string {
  return `${protocol} ${vip}:${vipPort}`
}

export function specKey({ protocol, vip, port }: ServiceSpec): string {
  return `${protocol} ${vip}:${port}`
}

function hasTerms({ uthreshold = 0, sorry = false }: RealServerSpec): boolean {
  return uthreshold > 0 || sorry
}

/** Applies the first entry that names the VM and its port, as the host does. */
function withTerms(entries: readonly RealServerSpec[]): (rs: RealServer) => RealServer {
  const matchers = entries.map(entry => ({ entry, matches: vmMatcher(entry.vm) }))
  return rs => {
    const vm = { name: rs.vm, uuid: rs.vmUuid }
    const found = matchers.find(({ entry, matches }) => entry.port === rs.rsPort && matches(vm))?.entry
    if (found === undefined || !hasTerms(found)) return rs
    const { uthreshold: upper = 0, lthreshold: lower = 0, sorry = false } = found
    return { ...rs, terms: { upper, lower, sorry } }
  }
}

/** `realServers`: the ones that have registered for the service, sorted by id. */
export function fromSpec(spec: ServiceSpec, realServers: readonly RealServer[]): VirtualService {
  const { service, vip, port, protocol, scheduler, clients, source } = spec
  const { slowStart, drainTimeout, persistence, onFailure, onEmpty, passive } = spec
  return {
    key: specKey(spec),
    service,
    vip,
    port,
    protocol,
    scheduler,
    clients,
    source: `${source.file}:${source.line}`,
    options: { slowStart, drainTimeout, persistence, onFailure, onEmpty, passive },
    realServers: spec.realServers.some(hasTerms) ? realServers.map(withTerms(spec.realServers)) : realServers,
  }
}

/** A service that no file of the director names; `rs` is the first of its real servers. */
export function fromReport(rs: RealServer, realServers: readonly RealServer[]): VirtualService {
  const { service, vip, vipPort, protocol, hostId } = rs
  const scheduler = SCHEDULERS.find(name => name === rs.scheduler) ?? 'wrr'
  // The hosts' own files name the allowed clients, and the hosts enforce this.
  const clients = EVERYONE.get(familyOf(vip))!
  const source = `host ${hostId}`
  return {
    key: keyOf(rs),
    service,
    vip,
    port: vipPort,
    protocol,
    scheduler,
    clients,
    source,
    options: NONE,
    realServers,
  }
}

/** `named`: the service with the real server's service name; `holder`: the service with its address. */
export function mismatch(rs: RealServer, named?: VirtualService, holder?: VirtualService): RegistryProblem {
  const key = keyOf(rs)
  const reason = named
    ? `host ${rs.hostId} has service ${rs.service} as ${key}, but ${named.source} says ${named.key}; make the files equal`
    : `host ${rs.hostId} has ${key} as service ${rs.service}, but ${holder?.source} calls it ${holder?.service}; make the files equal`
  return { subject: rs.id, service: rs.service, reason }
}
