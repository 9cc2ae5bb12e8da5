import type { ServiceSpec } from '../../shared/config/service.ts'
import { changedItems, compareTexts, updateSorted } from '../../shared/lists.ts'
import { fromReport, fromSpec, keyOf, mismatch, specKey, type VirtualService } from './services.ts'
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
  /** Costs little when most specs are the same objects as before. */
  update(specs: readonly ServiceSpec[]): Grouped
}

/** Real servers that name the same service and the same address. They are all members of the service, or none is. */
interface Group {
  readonly service: string
  readonly key: string
  readonly byId: Map<string, RealServer>
  /** Sorted by id. */
  members: readonly RealServer[]
}

/** The incremental form of services.ts, which defines the result: a changed service costs in proportion to its real servers. */
export function createGrouping(): Grouping {
  const groups = new Map<string, Group>()
  const specByName = new Map<string, ServiceSpec>()
  const specByKey = new Map<string, ServiceSpec>()
  const byKey = new Map<string, Set<Group>>()
  const byName = new Map<string, Set<Group>>()
  /** Groups that match no spec by name and address; and those of them that are services, by key and by name. */
  const strays = new Set<Group>()
  let hosted = new Map<string, Group>()
  let hostedByName = new Map<string, Group>()
  const mismatched = new Set<Group>()
  /** Groups whose members have changed since the last update. */
  const resorted = new Set<Group>()
  const known = new Map<string, VirtualService>()
  let specs: readonly ServiceSpec[] = []
  let services: readonly VirtualService[] = []

  /** The services that the real servers alone define: the first by id decides name and address. */
  const host = () => {
    hosted = new Map()
    hostedByName = new Map()
    for (const group of [...strays].sort((a, b) => compareTexts(a.members[0]!.id, b.members[0]!.id))) {
      if (hosted.has(group.key) || hostedByName.has(group.service)) continue
      hosted.set(group.key, group)
      hostedByName.set(group.service, group)
    }
  }

  const serviceOf = (key: string): VirtualService | undefined => {
    const spec = specByKey.get(key)
    if (spec !== undefined) return fromSpec(spec, groups.get(name(spec.service, key))?.members ?? [])
    const group = hosted.get(key)
    return group && fromReport(group.members[0]!, group.members)
  }
  /** Key of the service with this name. */
  const keyOfName = (service: string) => {
    const spec = specByName.get(service)
    return spec === undefined ? hostedByName.get(service)?.key : specKey(spec)
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
    update: next => {
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

      let anyStray = false
      for (const group of moved) {
        const free = !specByName.has(group.service) && !specByKey.has(group.key)
        const stray = free && group.members.length > 0
        anyStray = strays.has(group) || stray || anyStray
        if (stray) strays.add(group)
        else strays.delete(group)
      }
      if (anyStray) {
        for (const group of strays) moved.add(group)
        for (const key of hosted.keys()) keys.add(key)
        host()
        for (const key of hosted.keys()) keys.add(key)
      }
      for (const group of moved) {
        if (group.members.length > 0 && keyOfName(group.service) !== group.key) mismatched.add(group)
        else mismatched.delete(group)
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
        if (before !== undefined) gone.add(before)
        if (now === undefined) known.delete(key)
        else {
          known.set(key, now)
          come.push(now)
        }
      }
      if (changed.size > 0) services = updateSorted(services, gone, come, service => service.key)
      return { services, changed, problems: [...mismatched].flatMap(problemsOf) }
    },
  }

  function problemsOf({ service, key, members }: Group): RegistryProblem[] {
    const named = keyOfName(service)
    return members.map(rs => mismatch(rs, named === undefined ? undefined : known.get(named), known.get(key)))
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
