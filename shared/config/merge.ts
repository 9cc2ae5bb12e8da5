import { conflictProblem, createConflictIndex } from './conflicts.ts'
import type { ServiceSpec, SpecProblem } from './service.ts'

export interface Merged {
  /** By service name, host and director together. */
  readonly specs: readonly ServiceSpec[]
  /** Services of the director that cannot stand beside one of the host's. */
  readonly problems: readonly SpecProblem[]
}

/** The services of a host: its own files, and the director's documents of every other service name. Pure. */
export function mergeServices(host: readonly ServiceSpec[], director: readonly ServiceSpec[]): Merged {
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
