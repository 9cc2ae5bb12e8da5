import { changedItems, updateSorted } from '../lists.ts'
import { type Claimant, inOrderOfClaims } from './claimants.ts'
import { type Conflict, type ConflictIndex, conflictProblem, createConflictIndex } from './conflicts.ts'
import type { ServiceSpec, SpecProblem } from './service.ts'

export interface Merged {
  /** By service name, host and director together. */
  readonly specs: readonly ServiceSpec[]
  /** Newcomers that cannot stand beside what is in force. */
  readonly problems: readonly SpecProblem[]
}

/**
 * The services of a host: its own files, and the director's documents of every other service name. Of two that cannot stand
 * beside each other the one that was in force first stays, whoever has it; of two newcomers the host's. A newcomer of a
 * name that was in force leaves the version that was. Pure.
 *
 * @param host - of files that stand beside each other
 * @param inForce - what was in force before
 */
export function mergeServices(
  host: readonly ServiceSpec[],
  director: readonly ServiceSpec[],
  inForce: readonly ServiceSpec[] = [],
): Merged {
  return mergeAll(host, director, inForce).merged
}

/** `index`: of all that is in force; undefined without a director's services, for a host's own have been held against each other. */
function mergeAll(
  host: readonly ServiceSpec[],
  director: readonly ServiceSpec[],
  inForce: readonly ServiceSpec[],
): { readonly merged: Merged; readonly index: ConflictIndex | undefined } {
  if (director.length === 0) return { merged: { specs: host.toSorted(byServiceName), problems: [] }, index: undefined }
  const own = new Set(host.map(spec => spec.service))
  const wanted = [...host, ...director.filter(spec => !own.has(spec.service))]
  const before = new Map(inForce.map(spec => [spec.service, spec]))
  /** Newcomers whose last version stays. */
  const held = new Map<string, Conflict>()
  for (;;) {
    const claimants = wanted.map((spec): Claimant => {
      const was = before.get(spec.service)
      if (was === undefined) return { specs: [spec], before: [], stays: false }
      const isHeld = held.has(spec.service)
      return { specs: [isHeld ? was : spec], before: [was], stays: isHeld || claimOf(was) === claimOf(spec) }
    })
    const { accepted, lost, index } = accept(inOrderOfClaims(claimants))
    const back = lost.filter(({ claimant: { stays, before } }) => !stays && before.length > 0)
    for (const { conflict } of back) held.set(conflict.loser.service, conflict)
    // One that was in force and is again may be in the way of others.
    if (back.length > 0) continue
    const problems = [
      ...[...held.values()].map(conflict => conflictProblem(conflict, true)),
      ...lost.map(({ conflict }) => conflictProblem(conflict)),
    ]
    return { merged: { specs: accepted.sort(byServiceName), problems }, index }
  }
}

/** In their order: what has lost is in nobody's way. */
function accept(claimants: readonly Claimant[]) {
  const index = createConflictIndex()
  const accepted: ServiceSpec[] = []
  const lost: { readonly conflict: Conflict; readonly claimant: Claimant }[] = []
  for (const claimant of claimants) {
    for (const spec of claimant.specs) {
      const conflict = index.check(spec)
      if (conflict) lost.push({ conflict, claimant })
      else {
        index.add(spec)
        accepted.push(spec)
      }
    }
  }
  return { accepted, lost, index }
}

/** All of a service that others may be in conflict with. */
function claimOf({ vip, protocol, port, realServers }: ServiceSpec): string {
  return JSON.stringify([vip, protocol, port, realServers.map(({ vm, port: rsPort }) => [vm, rsPort])])
}

const byServiceName = (a: ServiceSpec, b: ServiceSpec) => (a.service < b.service ? -1 : Number(a.service > b.service))

/**
 * The incremental form of `mergeServices`, which remembers what is in force: services that are the same object are taken to be unchanged, and only those
 * that are not are looked at. Where services conflict, and until they no longer do, all is merged anew. A host's own
 * services have been held against each other: without a director's there is nothing to be found.
 *
 * @param inForce - before this process
 */
export function createMerger(
  inForce: readonly ServiceSpec[] = [],
): (host: readonly ServiceSpec[], director: readonly ServiceSpec[]) => Merged {
  let last: { readonly host: readonly ServiceSpec[]; readonly director: readonly ServiceSpec[] } | undefined
  let result: Merged = { specs: inForce, problems: [] }
  let clean = false
  let hosts = new Map<string, ServiceSpec>()
  let directors = new Map<string, ServiceSpec>()
  let index: ConflictIndex | undefined

  const whole = (host: readonly ServiceSpec[], director: readonly ServiceSpec[]): Merged => {
    const { merged, index: found } = mergeAll(host, director, result.specs)
    hosts = new Map(host.map(spec => [spec.service, spec]))
    directors = new Map(director.map(spec => [spec.service, spec]))
    clean = merged.problems.length === 0 && hosts.size === host.length && directors.size === director.length
    index = clean ? found : undefined
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
