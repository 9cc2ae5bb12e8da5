import type { ServiceSpec } from '../../shared/config/service.ts'
import type { CompiledService } from '../compile/types.ts'
import { fleet } from '../registry/fleet.ts'
import { type HostServices, NO_HOST_SERVICES, type VirtualService, virtualServices } from '../registry/services.ts'
import type { Registry, RegistryProblem } from '../registry/types.ts'
import { keptInPanic } from '../schedule/panic.ts'
import { type Knowledge, schedule } from '../schedule/schedule.ts'
import { type Numbers, ZONE_BASE } from '../store/numbers.ts'

/** The plan that files and registrations result in. */
export interface Plan {
  /** In the same order as `compiled`. */
  readonly services: readonly VirtualService[]
  readonly compiled: readonly CompiledService[]
  readonly problems: readonly RegistryProblem[]
}

/** One service of a plan, with its input for the compiler. */
export interface PlannedService {
  readonly service: VirtualService
  readonly compiled: CompiledService
}

/** Some services of a plan; both lists are in the same order. */
export type Selection = Pick<Plan, 'services' | 'compiled'>

export function selectionOf(list: readonly PlannedService[]): Selection {
  return { services: list.map(({ service }) => service), compiled: list.map(({ compiled }) => compiled) }
}

/**
 * Makes the whole plan; planner.ts does the same incrementally. It reads nothing but its arguments. New numbers are written to
 * the state file before they are used. `knowledge` is what has been learnt about a service's connections.
 */
export function makePlan(
  specs: readonly ServiceSpec[],
  registry: Registry,
  numbers: Numbers,
  knowledge: (service: VirtualService) => Knowledge,
  judged: Judged = unjudged,
  hostServices: HostServices = NO_HOST_SERVICES,
): Plan {
  const { realServers, problems } = fleet(registry)
  const virtual = virtualServices(specs, realServers, hostServices)
  return {
    services: virtual.services,
    compiled: virtual.services.map(service => compileService(service, numbers, knowledge, judged)),
    problems: [...problems, ...virtual.problems],
  }
}

/** Returns the service with those of its real servers barred that do not accept connections (balance/passive.ts). */
export type Judged = (service: VirtualService) => VirtualService
export const unjudged: Judged = service => service

/** Schedules one service and gives it its numbers. */
export function compileService(
  service: VirtualService,
  numbers: Numbers,
  knowledge: (service: VirtualService) => Knowledge,
  judged: Judged = unjudged,
): CompiledService {
  const kept = keptInPanic(judged(service))
  return number(kept, numbers, knowledge(kept))
}

/**
 * The service as far as its numbers are written down: without real servers that are new, and without a persistence that is.
 * Undefined: its own number is not.
 */
export function keptPart(service: VirtualService, numbers: Numbers): VirtualService | undefined {
  const [name, clientsName] = numberNames(service.key)
  if (!numbers.isKept('service', name)) return undefined
  const { persistence, ...options } = service.options
  return {
    ...service,
    options: persistence !== undefined && numbers.isKept('service', clientsName) ? service.options : options,
    realServers: service.realServers.filter(({ id }) => numbers.isKept('mark', markName(service.key, id))),
  }
}

/** One service's connections never carry another's mark: a real server that changes its service gets a new one. */
export function markOf(service: Pick<VirtualService, 'key'>, id: string, numbers: Numbers): number {
  return numbers.of('mark', markName(service.key, id))
}

export const markName = (key: string, id: string) => `${key} ${id}`
/** The service and the real server that have the mark of this name. A service's key has two words. */
export function ownerOfMark(name: string): { readonly key: string; readonly id: string } {
  const end = name.indexOf(' ', name.indexOf(' ') + 1)
  return { key: name.slice(0, end), id: name.slice(end + 1) }
}

/** Names of a service's numbers: its own, and that of its persistent clients. */
export const numberNames = (key: string): readonly [string, string] => [key, `${key}${CLIENTS}`]
/** The key of the service that has the number of this name. */
export const ownerOfNumber = (name: string): string => (name.endsWith(CLIENTS) ? name.slice(0, -CLIENTS.length) : name)
const CLIENTS = ' clients'

function number(service: VirtualService, numbers: Numbers, knowledge: Knowledge): CompiledService {
  const { vip, port, protocol, clients, options } = service
  const [name, clientsName] = numberNames(service.key)
  const own = numbers.of('service', name)
  const byId = new Map(service.realServers.map(rs => [rs.id, rs]))
  const { shares, turns, hashField, established } = schedule(service, knowledge)
  const { persistence } = options
  return {
    vip,
    port,
    protocol,
    clients,
    number: own,
    zone: ZONE_BASE + own,
    ...(persistence === undefined
      ? {}
      : {
          persistence: {
            ...persistence,
            zone: ZONE_BASE + numbers.of('service', clientsName),
            recalled: knowledge.recalled === true,
          },
        }),
    onEmpty: options.onEmpty ?? 'reject',
    ...(hashField === undefined ? {} : { hashField }),
    shares: shares.map(({ id, slots }) => ({ mark: markOf(service, id, numbers), slots })),
    ...(turns === undefined ? {} : { turns: { ...turns, order: turns.order.map(id => markOf(service, id, numbers)) } }),
    accounted: knowledge.load?.many !== true,
    targets: established.map(({ id, newConnections }) => {
      const { hostMac, hostIp, ingressPort } = byId.get(id)!
      return { mark: markOf(service, id, numbers), hostMac, hostIp, ingressPort, newConnections }
    }),
  }
}
