import type { ServiceSpec, SpecProblem } from './service.ts'
import { patternsMeet } from './vm-pattern.ts'

/** Two services that cannot both be in force. `loser` is the one that came second. */
export interface Conflict {
  readonly loser: ServiceSpec
  readonly winner: ServiceSpec
  /** Names the other service with its file and line. */
  readonly reason: string
}

/** The services accepted so far, indexed by what must be unique. */
export interface ConflictIndex {
  /** The first accepted service that `spec` cannot stand beside. */
  check(spec: ServiceSpec): Conflict | undefined
  add(spec: ServiceSpec): void
  /** Of one that was added. */
  remove(spec: ServiceSpec): void
}

/**
 * Pure rules across services: one name, one VIP:protocol:port, and no two VIP ports on one real server's port.
 * The last is what a reply could not be told apart by: it carries VIP and real server port only.
 */
export function createConflictIndex(): ConflictIndex {
  const byName = new Map<string, ServiceSpec>()
  const byFrontEnd = new Map<string, ServiceSpec>()
  /** Mostly one service each: a list for each would cost more than all else. */
  const byRsPort = new Map<string, ServiceSpec | readonly ServiceSpec[]>()
  const sharing = (key: string): readonly ServiceSpec[] => {
    const found = byRsPort.get(key)
    return found === undefined ? [] : 'service' in found ? [found] : found
  }
  return {
    check(spec) {
      const named = byName.get(spec.service)
      if (named) return conflict(spec, named, `service '${spec.service}' is already defined in ${place(named)}`)
      const front = byFrontEnd.get(frontEnd(spec))
      if (front) {
        const what = `${spec.vip} ${spec.protocol} port ${spec.port}`
        return conflict(spec, front, `${what} already belongs to service '${front.service}' in ${place(front)}`)
      }
      for (const rs of spec.realServers) {
        for (const other of sharing(rsPortKey(spec, rs.port))) {
          const meets = other.realServers.find(entry => entry.port === rs.port && patternsMeet(entry.vm, rs.vm))
          if (!meets) continue
          return conflict(
            spec,
            other,
            `replies from port ${rs.port} of VM '${rs.vm}' could belong to VIP port ${spec.port} of '${spec.service}' in ` +
              `${place(spec)} or to VIP port ${other.port} of '${other.service}' in ${place(other)} ` +
              `(VM '${meets.vm}'); give one of them a real server port of its own`,
          )
        }
      }
      return undefined
    },
    add(spec) {
      byName.set(spec.service, spec)
      byFrontEnd.set(frontEnd(spec), spec)
      for (const rs of spec.realServers) {
        const key = rsPortKey(spec, rs.port)
        const others = sharing(key)
        if (others.length === 0) byRsPort.set(key, spec)
        else if (!others.includes(spec)) byRsPort.set(key, [...others, spec])
      }
    },
    remove(spec) {
      byName.delete(spec.service)
      byFrontEnd.delete(frontEnd(spec))
      for (const rs of spec.realServers) {
        const key = rsPortKey(spec, rs.port)
        const left = sharing(key).filter(other => other !== spec)
        if (left.length === 0) byRsPort.delete(key)
        else byRsPort.set(key, left.length === 1 ? left[0]! : left)
      }
    },
  }
}

/** Every conflict in a list, in its order: of two the later one loses, and what has lost is in nobody's way. */
export function findConflicts(specs: readonly ServiceSpec[]): Conflict[] {
  const index = createConflictIndex()
  const conflicts: Conflict[] = []
  for (const spec of specs) {
    const found = index.check(spec)
    if (found) conflicts.push(found)
    else index.add(spec)
  }
  return conflicts
}

/** A conflict as status and the journal show it. */
export const conflictProblem = ({ loser, reason }: Conflict, lastGood = false): SpecProblem => ({
  file: loser.source.file,
  line: loser.source.line,
  column: 1,
  service: loser.service,
  reason,
  lastGood,
})

export const place = ({ source }: ServiceSpec): string =>
  source.origin === 'director' ? `${source.file}:${source.line} (from the director)` : `${source.file}:${source.line}`

const conflict = (loser: ServiceSpec, winner: ServiceSpec, reason: string): Conflict => ({ loser, winner, reason })
const frontEnd = (spec: ServiceSpec) => `${spec.vip} ${spec.protocol} ${spec.port}`
const rsPortKey = (spec: ServiceSpec, rsPort: number) => `${spec.vip} ${spec.protocol} ${rsPort}`
