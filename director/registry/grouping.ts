import type { ServiceSpec } from '../../shared/config/service.ts'
import { changedItems, compareTexts, updateSorted } from '../../shared/lists.ts'
import type { HostServiceAuthority } from '../authority/host-services.ts'
import { createHosting } from './hosting.ts'
import {
  type Claimants,
  fromReport,
  fromSpec,
  groupProblems,
  keyOf,
  refusedServices,
  specKey,
  type VirtualService,
} from './services.ts'
import type { RealServer, RegistryProblem } from './types.ts'

export interface Grouped {
  /** Sorted by key; the same list while nothing changes. */
  readonly services: readonly VirtualService[]
  /** Services that differ from the last update, by key; undefined: gone. */
  readonly changed: ReadonlyMap<string, VirtualService | undefined>
  readonly problems: readonly RegistryProblem[]
}

export interface Grouping {
  /** Takes a change of the roster, for the next update. */
  take(change: { readonly gone: readonly RealServer[]; readonly come: readonly RealServer[] }): void
  /** Costs little when most specs are the same objects as before, and the authority is the same one. */
  update(specs: readonly ServiceSpec[], authority: HostServiceAuthority): Grouped
}

interface Group extends Claimants {
  readonly byId: Map<string, RealServer>
  members: readonly RealServer[]
}

/**
 * The incremental form of services.ts, which defines the result: a changed service costs in proportion to its real servers.
 *
 * @param wasInForce - a service that only hosts have was in force before a restart
 */
export function createGrouping(wasInForce: (claimants: Claimants) => boolean): Grouping {
  const groups = new Map<string, Group>()
  const specByName = new Map<string, ServiceSpec>()
  const specByKey = new Map<string, ServiceSpec>()
  const byKey = new Map<string, Set<Group>>()
  const byName = new Map<string, Set<Group>>()
  const hosting = createHosting<Group>(wasInForce)
  /** Groups of which some real servers are no members of a service, and why. */
  const odd = new Map<Group, readonly RegistryProblem[]>()
  /** Groups whose members have changed since the last update. */
  const resorted = new Set<Group>()
  const known = new Map<string, VirtualService>()
  let specs: readonly ServiceSpec[] = []
  let services: readonly VirtualService[] = []
  let problems: readonly RegistryProblem[] = []

  const serviceOf = (key: string): VirtualService | undefined => {
    const spec = specByKey.get(key)
    if (spec !== undefined) return fromSpec(spec, groups.get(name(spec.service, key))?.members ?? [])
    const hosted = hosting.ofKey(key)
    return hosted && fromReport(hosted.members[0]!, hosted.members)
  }
  /** Key of the service with this name. */
  const keyOfName = (service: string) => {
    const spec = specByName.get(service)
    return spec === undefined ? hosting.ofName(service)?.group.key : specKey(spec)
  }
  const rivals = ({ key, service }: Group) => [...(byKey.get(key) ?? []), ...(byName.get(service) ?? [])]
  const isOdd = (group: Group) => {
    if (group.members.length === 0) return false
    if (keyOfName(group.service) !== group.key) return true
    return hosting.isStray(group) && hosting.ofKey(group.key)?.members !== group.members
  }
  const problemsOf = (group: Group, allowed: HostServiceAuthority): readonly RegistryProblem[] => {
    const named = keyOfName(group.service)
    const refused = hosting.isStray(group) ? group.members.filter(rs => allowed(rs.hostId, rs.vip) !== undefined) : []
    if (named === group.key) return refusedServices(refused, allowed)
    const service = named === undefined ? undefined : known.get(named)
    return groupProblems(group, refused, allowed, service, known.get(group.key))
  }

  return {
    take: ({ gone, come }) => {
      for (const rs of gone) {
        const group = groups.get(name(rs.service, keyOf(rs)))!
        group.byId.delete(rs.id)
        resorted.add(group)
      }
      for (const rs of come) {
        const key = keyOf(rs)
        const id = name(rs.service, key)
        let group = groups.get(id)
        if (group === undefined) {
          groups.set(id, (group = { service: rs.service, key, byId: new Map(), members: [] }))
          addTo(byKey, key, group)
          addTo(byName, rs.service, group)
        }
        group.byId.set(rs.id, rs)
        resorted.add(group)
      }
    },
    update: (next, allowed) => {
      const keys = new Set<string>()
      const moved = new Set<Group>()
      for (const group of resorted) {
        group.members = [...group.byId.values()].sort((a, b) => compareTexts(a.id, b.id))
        moved.add(group)
        keys.add(group.key)
        if (group.members.length > 0) continue
        groups.delete(name(group.service, group.key))
        removeFrom(byKey, group.key, group)
        removeFrom(byName, group.service, group)
      }
      resorted.clear()

      const changes = changedItems(specs, next)
      specs = next
      for (const spec of changes.gone) {
        specByName.delete(spec.service)
        specByKey.delete(specKey(spec))
      }
      for (const spec of changes.come) {
        specByName.set(spec.service, spec)
        specByKey.set(specKey(spec), spec)
      }
      for (const spec of [...changes.gone, ...changes.come]) {
        const key = specKey(spec)
        keys.add(key)
        for (const group of [...(byKey.get(key) ?? []), ...(byName.get(spec.service) ?? [])]) moved.add(group)
      }

      const free = ({ service, key, members }: Group) =>
        members.length > 0 && !specByName.has(service) && !specByKey.has(key)
      const touched = hosting.update({
        moved: new Map([...moved].map(group => [group, free(group)])),
        authority: allowed,
        rivals,
      })
      for (const group of touched) {
        moved.add(group)
        keys.add(group.key)
      }

      const changed = new Map<string, VirtualService | undefined>()
      const gone = new Set<VirtualService>()
      const come: VirtualService[] = []
      for (const key of keys) {
        const before = known.get(key)
        const now = serviceOf(key)
        if (before === undefined && now === undefined) continue
        if (before !== undefined && now !== undefined && isSame(before, now)) continue
        changed.set(key, now)
        // The reasons of others may name it.
        for (const one of [before, now])
          if (one !== undefined)
            for (const group of [...(byKey.get(key) ?? []), ...(byName.get(one.service) ?? [])]) moved.add(group)
        if (before !== undefined) gone.add(before)
        if (now === undefined) known.delete(key)
        else {
          known.set(key, now)
          come.push(now)
        }
      }
      if (changed.size > 0) services = updateSorted(services, gone, come, service => service.key)
      let told = false
      for (const group of moved) {
        const found = isOdd(group)
        told ||= found || odd.has(group)
        if (found) odd.set(group, problemsOf(group, allowed))
        else odd.delete(group)
      }
      if (told) problems = [...odd.values()].flat()
      return { services, changed, problems }
    },
  }
}

const name = (service: string, key: string) => `${service} ${key}`

/**
 * Compares two services that no spec names. A service with a spec gets here only when something has changed, and then `options`
 * is another object.
 */
function isSame(a: VirtualService, b: VirtualService): boolean {
  return (
    a.realServers === b.realServers && a.source === b.source && a.scheduler === b.scheduler && a.options === b.options
  )
}

function addTo(map: Map<string, Set<Group>>, key: string, group: Group): void {
  const found = map.get(key)
  if (found === undefined) map.set(key, new Set([group]))
  else found.add(group)
}

function removeFrom(map: Map<string, Set<Group>>, key: string, group: Group): void {
  const found = map.get(key)
  if (found?.delete(group) && found.size === 0) map.delete(key)
}
