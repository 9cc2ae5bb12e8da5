import type { RealServerSpec, ServiceSpec } from '../../shared/config/service.ts'
import { isPlainName, type VmName, vmMatcher } from '../../shared/config/vm-pattern.ts'
import { compareTexts } from '../../shared/lists.ts'
import type { Domain, Inventory } from '../inventory/types.ts'
import type { PortsSnapshot } from '../ports/types.ts'
import type { Allocation } from '../store/types.ts'
import { attach, indexPorts, linkObstacle, type PortIndex, stateObstacle } from './attach.ts'
import { ingressPorts, type PortRange, placeOf } from './ingress.ts'
import type { RealServer, RealServerProblem, Resolution } from './types.ts'

export interface ResolveInput {
  readonly specs: readonly ServiceSpec[]
  readonly inventory: Inventory
  readonly ports: PortsSnapshot
  /** Numbers given in earlier passes. */
  readonly allocations: readonly Allocation[]
  readonly ingressPorts: PortRange
  /** Whether a VM may serve for directors; default: each may. */
  readonly mayServe?: MayServe
}

export type MayServe = (vm: VmName) => boolean

/**
 * Calculates the real servers of this host from services × VMs × ports. Pure; the order of the input does not matter.
 *
 * A reply's source cannot tell two services apart that have the same VIP, protocol, VM and RS port and differ in the VIP's port.
 * The one that was in force before keeps serving and the other is refused; among new ones the first by file and line.
 */
export function resolve(input: ResolveInput): Resolution {
  return resolveServices(input, new Map(input.specs.map(spec => [spec, expandSpec(spec, namesOf(input))])))
}

/** The same, from expanded services; the result also holds which replies are taken. */
export function resolveServices(input: ResolveInput, services: ReadonlyMap<ServiceSpec, Expanded>): Resolved {
  const once = resolveOnce(input, services)
  const { problems, allocations } = once
  if (!problems.some(({ code }) => code === 'INGRESS_PORTS_EXHAUSTED')) return once
  // A port that another real server has given up in this pass is free for one that found none.
  const now = new Map(allocations.map(allocation => [allocation.key, placeOf(allocation)]))
  const moved = input.allocations.some(before => now.has(before.key) && now.get(before.key) !== placeOf(before))
  return moved ? resolveServices({ ...input, allocations }, services) : once
}

type Resolved = Resolution & { readonly replies: Map<string, Candidate> }

function resolveOnce(input: ResolveInput, services: ReadonlyMap<ServiceSpec, Expanded>): Resolved {
  const problems: RealServerProblem[] = []
  const remembered = new Map(input.allocations.map(a => [a.key, a]))
  const candidates = inOrder(together(services.values(), problems), remembered)
  const { accepted, replies } = refuseAmbiguous(candidates, problems)

  const keys = new Set(accepted.map(c => c.key))
  const living = input.allocations.filter(a => keys.has(a.key))
  const ingress = ingressPorts(living)
  const nextId = idAllocator(living)
  const attachedTo = attacher(indexPorts(input.ports))
  const realServers: RealServer[] = []
  for (const candidate of accepted) {
    const { spec, real, domain, key } = candidate
    const before = remembered.get(key)
    const ingressPort =
      keptPort(before, spec) ?? ingress.take(key, spec.vip, spec.protocol, real.port, input.ingressPorts)
    if (ingressPort === undefined) {
      const { first, last } = input.ingressPorts
      problems.push({
        severity: 'error',
        code: 'INGRESS_PORTS_EXHAUSTED',
        subject: key,
        message: `no free ingress port in ${first}-${last} for ${spec.service} on VM ${domain.name}; widen ingressPorts in the agent's configuration`,
      })
      continue
    }
    realServers.push(toRealServer(candidate, before?.id ?? nextId(), ingressPort, attachedTo(domain)))
  }
  realServers.sort((a, b) => compareTexts(a.key, b.key))
  return { realServers, problems, allocations: realServers.map(toAllocation), replies }
}

/** A port once given stays until its real server is removed or serves another VIP. */
export function keptPort(allocation: Allocation | undefined, { vip, protocol }: ServiceSpec): number | undefined {
  return allocation?.vip === vip && allocation.protocol === protocol ? allocation.ingressPort : undefined
}

/** A VM that a service names, with one of its ports. */
export interface Candidate {
  readonly spec: ServiceSpec
  readonly real: RealServerSpec
  readonly domain: Domain
  readonly key: string
}

/** All candidates of one service. */
export interface Expanded {
  readonly candidates: readonly Candidate[]
  readonly problems: readonly RealServerProblem[]
}

function together(services: Iterable<Expanded>, problems: RealServerProblem[]): Candidate[] {
  const candidates = new Map<string, Candidate>()
  for (const expanded of services) {
    problems.push(...expanded.problems)
    for (const candidate of expanded.candidates)
      if (!candidates.has(candidate.key)) candidates.set(candidate.key, candidate)
  }
  return [...candidates.values()]
}

export interface Names {
  readonly domains: readonly Domain[]
  readonly byName: ReadonlyMap<string, Domain>
  readonly mayServe: MayServe
}

function namesOf({ inventory: { domains }, mayServe = anyone }: ResolveInput): Names {
  return { domains, byName: new Map(domains.map(domain => [domain.name, domain])), mayServe }
}

export const anyone: MayServe = () => true

const NO_PROBLEMS: readonly RealServerProblem[] = []

/** The VMs that one service names, once for each port. */
export function expandSpec(spec: ServiceSpec, { domains, byName, mayServe }: Names): Expanded {
  const candidates = new Map<string, Candidate>()
  const problems: RealServerProblem[] = []
  const refused = new Set<string>()
  for (const real of spec.realServers) {
    const restricted = spec.source.origin === 'director' || real.origin === 'director'
    const matching = isPlainName(real.vm) ? [byName.get(real.vm) ?? []].flat() : domains.filter(vmMatcher(real.vm))
    for (const domain of matching) {
      if (restricted && !mayServe(domain)) {
        refused.add(domain.name)
        continue
      }
      const key = `${spec.service}/${domain.uuid}/${real.port}`
      const first = candidates.get(key)
      if (first === undefined) {
        candidates.set(key, { spec, real, domain, key })
      } else if (first.real.weight !== real.weight) {
        problems.push({
          severity: 'warning',
          code: 'REAL_SERVER_DUPLICATE',
          subject: `${spec.source.file}:${spec.source.line}`,
          message: `service ${spec.service} names VM ${domain.name} port ${real.port} twice (vm: ${first.real.vm} and vm: ${real.vm}) with different weights; the first, ${first.real.weight}, is in force`,
        })
      }
    }
  }
  if (refused.size > 0) problems.push(notAllowed(spec, [...refused].sort()))
  return { candidates: [...candidates.values()], problems: problems.length === 0 ? NO_PROBLEMS : problems }
}

const MOST_NAMES = 5

function notAllowed({ service, source }: ServiceSpec, names: readonly string[]): RealServerProblem {
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} others` : ''
  return {
    severity: 'error',
    code: 'VM_NOT_ALLOWED',
    subject: `${source.file}:${source.line}`,
    message:
      `service ${service} of the director names VM ${names.slice(0, MOST_NAMES).join(', ')}${more}, which may not serve for ` +
      `directors; add it to allowedVms in agent.yaml, or take it out of the service file`,
  }
}

/** Candidates that have numbers first, by age; then by file and line. */
export function inOrder(candidates: readonly Candidate[], remembered: ReadonlyMap<string, Allocation>): Candidate[] {
  const aged = candidates.map(candidate => ({
    candidate,
    age: remembered.get(candidate.key)?.id ?? Number.MAX_SAFE_INTEGER,
  }))
  aged.sort((a, b) => a.age - b.age || precedence(a.candidate, b.candidate))
  return aged.map(({ candidate }) => candidate)
}

function precedence(a: Candidate, b: Candidate): number {
  return (
    compareTexts(a.spec.source.file, b.spec.source.file) ||
    a.spec.source.line - b.spec.source.line ||
    compareTexts(a.key, b.key)
  )
}

/** Everything by which a reply shows its origin. */
export function replyOf({ spec, domain, real }: Candidate): string {
  return `${spec.vip}/${spec.protocol}/${domain.uuid}/${real.port}`
}

function refuseAmbiguous(candidates: readonly Candidate[], problems: RealServerProblem[]) {
  const byReply = new Map<string, Candidate>()
  const refused = new Map<ServiceSpec, { readonly first: Candidate; readonly vms: string[] }>()
  const accepted: Candidate[] = []
  for (const candidate of candidates) {
    const { spec, domain } = candidate
    const reply = replyOf(candidate)
    const first = byReply.get(reply)
    if (first === undefined) {
      byReply.set(reply, candidate)
      accepted.push(candidate)
      continue
    }
    const seen = refused.get(spec)
    if (seen === undefined) refused.set(spec, { first, vms: [domain.name] })
    else seen.vms.push(domain.name)
  }
  for (const [spec, { first, vms }] of refused) {
    problems.push({
      severity: 'error',
      code: 'SERVICE_AMBIGUOUS',
      subject: `${spec.source.file}:${spec.source.line}`,
      message:
        `services ${first.spec.service} (${first.spec.source.file}:${first.spec.source.line}) and ${spec.service} ` +
        `(${spec.source.file}:${spec.source.line}) map ports ${first.spec.port} and ${spec.port} of VIP ${spec.vip} to the same ` +
        `${spec.protocol} port ${first.real.port} of VM ${vms.join(', ')}, whose replies cannot be told apart; ` +
        `${first.spec.service} stays in force; give ${spec.service} another VIP, RS port or VM`,
    })
  }
  return { accepted, replies: byReply }
}

/** What all real servers of one VM have in common. */
type Attached = Pick<RealServer, 'vm' | 'attachment' | 'obstacle'>

/** Looks up the attachment of each VM once. */
export function attacher(ports: PortIndex): (domain: Domain) => Attached {
  const known = new Map<Domain, Attached>()
  return domain => {
    let found = known.get(domain)
    if (found === undefined) known.set(domain, (found = attachDomain(domain, ports)))
    return found
  }
}

function attachDomain(domain: Domain, ports: PortIndex): Attached {
  const attached = attach(domain, ports)
  const missing = 'obstacle' in attached ? attached.obstacle : linkObstacle(attached, ports)
  return {
    vm: { uuid: domain.uuid, name: domain.name, running: domain.state === 'running', runId: domain.runId },
    attachment: 'obstacle' in attached ? undefined : attached,
    obstacle: stateObstacle(domain) ?? missing,
  }
}

export function toRealServer(
  { spec, real, key }: Candidate,
  id: number,
  ingressPort: number,
  { vm, attachment, obstacle }: Attached,
): RealServer {
  return {
    key,
    id,
    service: spec.service,
    vip: spec.vip,
    protocol: spec.protocol,
    vipPort: spec.port,
    rsPort: real.port,
    ingressPort,
    weight: real.weight,
    scheduler: spec.scheduler,
    persistence: spec.persistence,
    clients: spec.clients,
    arp: spec.arp,
    ...(spec.check === undefined ? {} : { check: spec.check }),
    vm,
    attachment,
    obstacle,
  }
}

function toAllocation(realServer: RealServer): Allocation {
  const { key, id, vip, protocol, ingressPort } = realServer
  return { key, id, vip, protocol, ingressPort }
}

/** Gives the lowest unused number from 1. Numbers of removed real servers are used again. */
function idAllocator(living: readonly Allocation[]): () => number {
  const used = new Set(living.map(a => a.id))
  let next = 1
  return () => {
    while (used.has(next)) next++
    used.add(next)
    return next
  }
}
