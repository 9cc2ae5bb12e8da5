import { changedItems, updateSorted } from '../lists.ts'
import { type ConflictIndex, conflictProblem, createConflictIndex } from './conflicts.ts'
import type { ServiceSpec, SpecProblem } from './service.ts'

export interface Merged {
  /** By service name, host and director together. */
  readonly specs: readonly ServiceSpec[]
  /** Services of the director that cannot stand beside one of the host's. */
  readonly problems: readonly SpecProblem[]
}

/** The services of a host: its own files, and the director's documents of every other service name. Pure. */
export function mergeServices(host: readonly ServiceSpec[], director: readonly ServiceSpec[]): Merged {
  if (director.length === 0) return { specs: host.toSorted(byServiceName), problems: [] }
  const own = new Set(host.map(spec => spec.service))
  const index = createConflictIndex()
  for (const spec of host) index.add(spec)
  const specs = [...host]
  const problems: SpecProblem[] = []
  for (const spec of director) {
    if (own.has(spec.service)) continue
    const conflict = index.check(spec)
    if (conflict) problems.push(conflictProblem(conflict))
    else {
      index.add(spec)
      specs.push(spec)
    }
  }
  return { specs: specs.sort(byServiceName), problems }
}

const byServiceName = (a: ServiceSpec, b: ServiceSpec) => (a.service < b.service ? -1 : Number(a.service > b.service))

/**
 * The incremental form of `mergeServices`: services that are the same object are taken to be unchanged, and only those
 * that are not are looked at. Where services conflict, and until they no longer do, all is merged anew. A host's own
 * services have been held against each other: without a director's there is nothing to be found.
 */
export function createMerger(): typeof mergeServices {
  let last: { readonly host: readonly ServiceSpec[]; readonly director: readonly ServiceSpec[] } | undefined
  let result: Merged = { specs: [], problems: [] }
  let clean = false
  let hosts = new Map<string, ServiceSpec>()
  let directors = new Map<string, ServiceSpec>()
  let index: ConflictIndex | undefined

  const whole = (host: readonly ServiceSpec[], director: readonly ServiceSpec[]): Merged => {
    const merged = mergeServices(host, director)
    hosts = new Map(host.map(spec => [spec.service, spec]))
    directors = new Map(director.map(spec => [spec.service, spec]))
    clean = merged.problems.length === 0 && hosts.size === host.length && directors.size === director.length
    index = undefined
    if (!clean || director.length === 0) return merged
    index = createConflictIndex()
    for (const spec of merged.specs) {
      if (index.check(spec)) clean = false
      index.add(spec)
    }
    return merged
  }

  /** Undefined: not without looking at everything. */
  const some = (host: readonly ServiceSpec[], director: readonly ServiceSpec[]): Merged | undefined => {
    if (index === undefined && director.length > 0) return undefined
    const inForce = (name: string) => hosts.get(name) ?? directors.get(name)
    const changes = [
      { map: hosts, ...changedItems(last?.host ?? [], host) },
      { map: directors, ...changedItems(last?.director ?? [], director) },
    ]
    const before = new Map<string, ServiceSpec | undefined>()
    for (const { gone, come } of changes)
      for (const { service } of [...gone, ...come]) before.set(service, inForce(service))
    for (const { map, gone, come } of changes) {
      for (const { service } of gone) map.delete(service)
      for (const spec of come) {
        if (map.has(spec.service)) return undefined
        map.set(spec.service, spec)
      }
    }
    const changed = [...before].filter(([name, was]) => inForce(name) !== was)
    const gone = new Set(changed.flatMap(([, was]) => (was === undefined ? [] : [was])))
    const come = changed.flatMap(([name]) => inForce(name) ?? [])
    for (const spec of gone) index?.remove(spec)
    for (const spec of come) {
      if (index?.check(spec)) return undefined
      index?.add(spec)
    }
    return { specs: updateSorted(result.specs, gone, come, spec => spec.service), problems: [] }
  }

  return (host, director) => {
    if (last?.host === host && last.director === director) return result
    result = (clean ? some(host, director) : undefined) ?? whole(host, director)
    last = { host, director }
    return result
  }
}
