import type { ServiceSpec } from '../../shared/config/service.ts'
import { vmMatcher } from '../../shared/config/vm-pattern.ts'
import { changedItems, updateSorted } from '../../shared/lists.ts'
import type { Domain, Inventory } from '../inventory/types.ts'
import type { PortsSnapshot } from '../ports/types.ts'
import type { Allocation } from '../store/types.ts'
import { indexPorts } from './attach.ts'
import { ingressPorts } from './ingress.ts'
import {
  anyone,
  attacher,
  type Candidate,
  type Expanded,
  expandSpec,
  inOrder,
  keptPort,
  type MayServe,
  type ResolveInput,
  replyOf,
  resolveServices,
  toRealServer,
} from './resolve.ts'
import type { RealServer, RealServerProblem, Resolution } from './types.ts'

/** The real servers, and how they differ from the last update. Unchanged ones stay the same objects. */
export interface Resolved extends Resolution {
  readonly gone: readonly RealServer[]
  readonly come: readonly RealServer[]
}

export type ResolverInput = Omit<ResolveInput, 'allocations' | 'mayServe'>

export interface Resolver {
  /**
   * Returns the same as `resolve` with the numbers given so far. An input that is the same object counts as unchanged, so the
   * cost of one changed service, VM or port is proportional to the real servers that it touches.
   */
  update(input: ResolverInput): Resolved
}

/**
 * The incremental form of resolve.ts. As soon as services conflict (an ambiguity, no free ingress port), and until this is
 * mended, everything is resolved anew.
 */
export function createResolver(remembered: readonly Allocation[], mayServe: MayServe = anyone): Resolver {
  let allocations = new Map(remembered.map(a => [a.key, a]))
  let last: { readonly input: ResolverInput; readonly result: Resolved } | undefined
  let clean = false
  let entries = new Map<ServiceSpec, Expanded>()
  let live = new Map<string, RealServer>()
  let replies = new Map<string, Candidate>()
  let names = createNames([], mayServe)
  let patterns = createPatterns()
  let ids = new Set<number>()
  let lowestFree = 1
  let ingress = ingressPorts([])

  const whole = (input: ResolverInput): Resolved => {
    names = createNames(input.inventory.domains, mayServe)
    entries = new Map(input.specs.map(spec => [spec, expandSpec(spec, names)]))
    const full = resolveServices({ ...input, mayServe, allocations: [...allocations.values()] }, entries)
    allocations = new Map(full.allocations.map(a => [a.key, a]))
    const before = live
    live = new Map(full.realServers.map(realServer => [realServer.key, sameOr(before.get(realServer.key), realServer)]))
    clean = full.problems.every(({ code }) => code === 'REAL_SERVER_DUPLICATE' || code === 'VM_NOT_ALLOWED')
    patterns = createPatterns()
    if (clean) for (const [spec, entry] of entries) patterns.add(spec, entry)
    replies = full.replies
    ids = new Set(full.allocations.map(a => a.id))
    lowestFree = 1
    ingress = ingressPorts(full.allocations)
    return {
      realServers: [...live.values()],
      problems: full.problems,
      allocations: full.allocations,
      gone: [...before.values()].filter(realServer => live.get(realServer.key) !== realServer),
      come: [...live.values()].filter(realServer => before.get(realServer.key) !== realServer),
    }
  }

  /** Returns false when another real server sends the same reply. */
  const admit = (spec: ServiceSpec, entry: Expanded): boolean => {
    entries.set(spec, entry)
    patterns.add(spec, entry)
    let free = true
    for (const candidate of entry.candidates) {
      const reply = replyOf(candidate)
      if (replies.has(reply)) free = false
      replies.set(reply, candidate)
    }
    return free
  }

  const dismiss = (spec: ServiceSpec): readonly Candidate[] => {
    const entry = entries.get(spec)
    if (entry === undefined) return []
    entries.delete(spec)
    patterns.remove(spec, entry)
    for (const candidate of entry.candidates) replies.delete(replyOf(candidate))
    return entry.candidates
  }

  const freeId = () => {
    while (ids.has(lowestFree)) lowestFree++
    ids.add(lowestFree)
    return lowestFree
  }

  /** Returns undefined when only a full resolution can tell. `whole` then also repeats what this has already changed. */
  const some = (input: ResolverInput, before: ResolverInput, result: Resolved): Resolved | undefined => {
    const { inventory, ports } = input
    const vms = changedItems(before.inventory.domains, inventory.domains)
    const specs = changedItems(before.specs, input.specs)
    const dirty = new Set<ServiceSpec>()
    if (vms.gone.length + vms.come.length > 0) {
      for (const domain of [...vms.gone, ...vms.come]) for (const spec of patterns.of(domain)) dirty.add(spec)
      names = createNames(inventory.domains, mayServe)
      for (const domain of vms.come) for (const spec of patterns.matching(domain)) dirty.add(spec)
    }
    for (const uuid of rePlugged(before.ports, ports, names)) for (const spec of patterns.of({ uuid })) dirty.add(spec)
    for (const spec of specs.gone) dirty.delete(spec)
    for (const spec of specs.come) dirty.add(spec)
    if (dirty.size + specs.gone.length === 0) return { ...result, gone: [], come: [] }

    const old = new Set<string>()
    for (const spec of [...specs.gone, ...dirty]) for (const { key } of dismiss(spec)) old.add(key)
    const candidates: Candidate[] = []
    for (const spec of dirty) {
      const entry = expandSpec(spec, names)
      if (!admit(spec, entry)) return undefined
      candidates.push(...entry.candidates)
    }
    const wanted = new Set(candidates.map(({ key }) => key))
    const moved: Allocation[] = []
    const undo: (readonly [string, Allocation | undefined])[] = []
    for (const key of old) {
      const allocation = allocations.get(key)
      if (allocation === undefined || wanted.has(key)) continue
      allocations.delete(key)
      undo.push([key, allocation])
      ids.delete(allocation.id)
      lowestFree = Math.min(lowestFree, allocation.id)
      ingress.release(allocation)
    }
    const attachedTo = attacher(indexPorts(ports))
    const made: RealServer[] = []
    for (const candidate of inOrder(candidates, allocations)) {
      const { key, spec, real, domain } = candidate
      const known = allocations.get(key)
      const kept = keptPort(known, spec)
      const ingressPort = kept ?? ingress.take(key, spec.vip, spec.protocol, real.port, input.ingressPorts)
      if (ingressPort === undefined) {
        for (const [name, allocation] of undo.toReversed()) {
          if (allocation === undefined) allocations.delete(name)
          else allocations.set(name, allocation)
        }
        return undefined
      }
      if (known !== undefined && kept === undefined) moved.push(known)
      const allocation =
        known !== undefined && kept !== undefined
          ? known
          : { key, id: known?.id ?? freeId(), vip: spec.vip, protocol: spec.protocol, ingressPort }
      if (allocation !== known) {
        undo.push([key, known])
        allocations.set(key, allocation)
      }
      made.push(toRealServer(candidate, allocation.id, ingressPort, attachedTo(domain)))
    }
    const gone: RealServer[] = []
    const come: RealServer[] = []
    for (const realServer of made) {
      const was = live.get(realServer.key)
      const now = sameOr(was, realServer)
      if (was === now) continue
      if (was !== undefined) gone.push(was)
      live.set(realServer.key, now)
      come.push(now)
    }
    // Released last: within this pass no other real server could have had the ports.
    for (const allocation of moved) ingress.release(allocation)
    for (const key of old) {
      const was = live.get(key)
      if (wanted.has(key) || was === undefined) continue
      live.delete(key)
      gone.push(was)
    }
    return {
      realServers: updateSorted(result.realServers, new Set(gone), come, realServer => realServer.key),
      problems: patterns.problems(),
      get allocations() {
        return [...allocations.values()]
      },
      gone,
      come,
    }
  }

  return {
    update: input => {
      const fast =
        last !== undefined && clean && last.input.ingressPorts === input.ingressPorts
          ? some(input, last.input, last.result)
          : undefined
      const result = fast ?? whole(input)
      last = { input, result }
      return result
    },
  }
}

type Names = ReturnType<typeof createNames>

/** Indexes the VMs by everything that a service can name them by. */
function createNames(domains: Inventory['domains'], mayServe: MayServe) {
  const byName = new Map<string, Domain>()
  const byMac = new Map<string, string[]>()
  for (const domain of domains) {
    byName.set(domain.name, domain)
    // Clones may share a hardware address.
    for (const { mac } of domain.nics) byMac.set(mac, [...(byMac.get(mac) ?? []), domain.uuid])
  }
  return { domains, byName, byMac, mayServe }
}

/** Finds the services that a VM concerns: those that it serves, and those that name it. */
function createPatterns() {
  const byPattern = new Map<
    string,
    { readonly matches: ReturnType<typeof vmMatcher>; readonly specs: Set<ServiceSpec> }
  >()
  const byVm = new Map<string, Set<ServiceSpec>>()
  const odd = new Map<ServiceSpec, readonly RealServerProblem[]>()
  return {
    add: (spec: ServiceSpec, { candidates, problems }: Expanded) => {
      for (const { vm } of spec.realServers) {
        let found = byPattern.get(vm)
        if (found === undefined) byPattern.set(vm, (found = { matches: vmMatcher(vm), specs: new Set() }))
        found.specs.add(spec)
      }
      for (const { domain } of candidates) {
        let found = byVm.get(domain.uuid)
        if (found === undefined) byVm.set(domain.uuid, (found = new Set()))
        found.add(spec)
      }
      if (problems.length > 0) odd.set(spec, problems)
    },
    remove: (spec: ServiceSpec, { candidates }: Expanded) => {
      for (const { vm } of spec.realServers) {
        const found = byPattern.get(vm)
        if (found?.specs.delete(spec) && found.specs.size === 0) byPattern.delete(vm)
      }
      for (const { domain } of candidates) byVm.get(domain.uuid)?.delete(spec)
      odd.delete(spec)
    },
    of: ({ uuid }: Pick<Domain, 'uuid'>): Iterable<ServiceSpec> => byVm.get(uuid) ?? [],
    matching: (domain: Domain): ServiceSpec[] => {
      const found: ServiceSpec[] = []
      for (const { matches, specs } of byPattern.values()) if (matches(domain)) found.push(...specs)
      return found
    },
    problems: () => [...odd.values()].flat(),
  }
}

/** VMs whose ports on the bridge have changed. */
function rePlugged(before: PortsSnapshot, after: PortsSnapshot, { byMac }: Names): Set<string> {
  const { gone, come } = changedItems(before.ports, after.ports)
  const uuids = new Set<string>()
  for (const { attachedMac } of [...gone, ...come]) {
    if (attachedMac !== undefined) for (const uuid of byMac.get(attachedMac) ?? []) uuids.add(uuid)
  }
  return uuids
}

function sameOr(was: RealServer | undefined, now: RealServer): RealServer {
  return was !== undefined && JSON.stringify(was) === JSON.stringify(now) ? was : now
}
