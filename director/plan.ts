import type { ServiceSpec } from '../shared/config/service.ts'
import type { CompiledService } from './compile/types.ts'
import { fleet } from './registry/fleet.ts'
import { type VirtualService, virtualServices } from './registry/services.ts'
import type { Registry, RegistryProblem } from './registry/types.ts'
import { schedule } from './schedule/schedule.ts'
import { type Numbers, ZONE_BASE } from './store/numbers.ts'

/** What files and registrations come to: the way from intake to compile. */
export interface Plan {
  readonly services: readonly VirtualService[]
  readonly compiled: readonly CompiledService[]
  readonly problems: readonly RegistryProblem[]
}

/** Reads nothing but its arguments; numbers that are new are written to the state file before they are used. */
export function makePlan(specs: readonly ServiceSpec[], registry: Registry, numbers: Numbers): Plan {
  const { realServers, problems } = fleet(registry)
  const virtual = virtualServices(specs, realServers)
  return {
    services: virtual.services,
    compiled: virtual.services.map(service => number(service, numbers)),
    problems: [...problems, ...virtual.problems],
  }
}

function number(service: VirtualService, numbers: Numbers): CompiledService {
  const { vip, port, protocol, clients } = service
  const own = numbers.of('service', service.key)
  // One service's connections never carry another's mark: a real server that changes its service gets a new one.
  const markOf = (id: string) => numbers.of('mark', `${service.key} ${id}`)
  const byId = new Map(service.realServers.map(rs => [rs.id, rs]))
  const { shares, established } = schedule(service.scheduler, service.realServers)
  return {
    vip,
    port,
    protocol,
    clients,
    number: own,
    zone: ZONE_BASE + own,
    shares: shares.map(({ id, slots }) => ({ mark: markOf(id), slots })),
    targets: established.map(({ id, newConnections }) => {
      const { hostMac, hostIp, ingressPort } = byId.get(id)!
      return { mark: markOf(id), hostMac, hostIp, ingressPort, newConnections }
    }),
  }
}
