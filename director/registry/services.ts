import { type RealServerSpec, SCHEDULERS, type Scheduler, type ServiceSpec } from '../../shared/config/service.ts'
import { vmMatcher } from '../../shared/config/vm-pattern.ts'
import { compareTexts } from '../../shared/lists.ts'
import { FAMILIES, familyOf } from '../../shared/net/family.ts'
import type { Family } from '../../shared/net/types.ts'
import { type HostServiceAuthority, hostServiceAuthority } from '../authority/host-services.ts'
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
  /** No file of the director names it. */
  readonly hosted?: true
}

/** Options that only the director acts on, from its own service file. A service whose file is only on hosts has the defaults. */
export type ServiceOptions = Pick<
  ServiceSpec,
  'slowStart' | 'drainTimeout' | 'persistence' | 'onFailure' | 'onEmpty' | 'passive'
>

const NONE: ServiceOptions = {}
const EVERYONE: ReadonlyMap<Family, readonly string[]> = new Map(FAMILIES.map(family => [family, [family.anyone]]))

/** Real servers that name the same service and the same address. They are all members of the service, or none is. */
export interface Claimants {
  readonly service: string
  readonly key: string
  /** Sorted by id. */
  readonly members: readonly RealServer[]
}

/** How it is decided which services of hosts only are in force. */
export interface HostServices {
  readonly authority: HostServiceAuthority
  /** It was in force before: of two that cannot both be, the newcomer is the one that is not. */
  wasInForce(claimants: Claimants): boolean
}

/** What holds without configuration: no host may bring any. */
export const NO_HOST_SERVICES: HostServices = {
  authority: hostServiceAuthority([], new Map()),
  wasInForce: () => false,
}

/**
 * The services that the director's own files and the registrations name (a file may be only on hosts that are allowed to bring
 * services of their own). A real server joins the service of its name when both have the same VIP, port and protocol.
 */
export function virtualServices(
  specs: readonly ServiceSpec[],
  realServers: readonly RealServer[],
  { authority, wasInForce }: HostServices,
): { services: readonly VirtualService[]; problems: readonly RegistryProblem[] } {
  const services = new Map<string, VirtualService>()
  const byName = new Map<string, VirtualService>()
  const add = (service: VirtualService) => {
    services.set(service.key, service)
    byName.set(service.service, service)
  }
  const groups = [...Map.groupBy(realServers, rs => `${rs.service} ${keyOf(rs)}`).values()].map((all): Claimants => {
    const members = all.toSorted((a, b) => compareTexts(a.id, b.id))
    return { service: all[0]!.service, key: keyOf(all[0]!), members }
  })
  const membersOf = new Map(groups.map(({ service, key, members }) => [`${service} ${key}`, members]))
  for (const spec of specs) add(fromSpec(spec, membersOf.get(`${spec.service} ${specKey(spec)}`) ?? []))
  const strays = groups.filter(({ service, key }) => !byName.has(service) && !services.has(key))
  for (const { of, members } of inOrderOfHosting(strays, authority, wasInForce))
    if (!byName.has(of.service) && !services.has(of.key)) add(fromReport(members[0]!, members))

  const free = new Set(strays)
  const problems = groups.flatMap(group => {
    const named = byName.get(group.service)
    const refused = free.has(group) ? group.members.filter(rs => authority(rs.hostId, rs.vip) !== undefined) : []
    if (named?.key === group.key) return refusedServices(refused, authority)
    return groupProblems(group, refused, authority, named, services.get(group.key))
  })
  return { services: [...services.values()].sort((a, b) => compareTexts(a.key, b.key)), problems }
}

/** Those that may be services, as far as they may: what was in force first, then by the first real server's id. */
export function inOrderOfHosting<Group extends Claimants>(
  strays: readonly Group[],
  authority: HostServiceAuthority,
  wasInForce: HostServices['wasInForce'],
): readonly { readonly of: Group; readonly members: readonly RealServer[] }[] {
  return strays
    .flatMap(of => {
      const members = allowedMembers(of.members, authority)
      return members === undefined ? [] : { of, members, rank: Number(!wasInForce(of)) }
    })
    .sort((a, b) => a.rank - b.rank || compareTexts(a.members[0]!.id, b.members[0]!.id))
}

/**
 * The real servers of a service that no file names, without those of hosts that may not bring it. Undefined: it is no service;
 * when all of its hosts are lost, nobody claims it any more.
 */
export function allowedMembers(
  members: readonly RealServer[],
  authority: HostServiceAuthority,
): readonly RealServer[] | undefined {
  const allowed = members.filter(rs => authority(rs.hostId, rs.vip) === undefined)
  if (!allowed.some(({ state }) => state !== 'lost')) return undefined
  return allowed.length === members.length ? members : allowed
}

/** Why the real servers of a group are no members of any service. `refused`: those that may not be. */
export function groupProblems(
  { service, key, members }: Claimants,
  refused: readonly RealServer[],
  authority: HostServiceAuthority,
  named?: VirtualService,
  holder?: VirtualService,
): readonly RegistryProblem[] {
  const others = new Set(refused)
  const mismatched = named === undefined && holder === undefined ? [] : members.filter(rs => !others.has(rs))
  return [...mismatched.map(rs => mismatch(rs, service, key, named, holder)), ...refusedServices(refused, authority)]
}

/** One problem a host: it may bring thousands of real servers. */
export function refusedServices(
  refused: readonly RealServer[],
  authority: HostServiceAuthority,
): readonly RegistryProblem[] {
  return [...Map.groupBy(refused, ({ hostId }) => hostId)].map(([hostId, [first]]) => {
    const { service, vip, id: subject } = first!
    const what = `host ${hostId} brings service ${service} (${keyOf(first!)}), which no service file of the director names`
    const reason = `${what}; it gets no requests: ${authority(hostId, vip)}`
    return { code: 'HOST_SERVICE_REFUSED', subject, service, reason }
  })
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
    hosted: true,
  }
}

/** `named`: the service with the real server's service name; `holder`: the service with its address. */
function mismatch(
  { hostId, id: subject }: RealServer,
  service: string,
  key: string,
  named?: VirtualService,
  holder?: VirtualService,
): RegistryProblem {
  const reason = named
    ? `host ${hostId} has service ${service} as ${key}, but ${named.source} says ${named.key}; make the files equal`
    : `host ${hostId} has ${key} as service ${service}, but ${holder?.source} calls it ${holder?.service}; make the files equal`
  return { subject, service, reason }
}
