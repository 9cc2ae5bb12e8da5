import type { Clock } from '../../shared/run/clock.ts'
import type { Outcome } from '../outlets/types.ts'
import { markName, ownerOfMark, type Plan } from '../plan/plan.ts'
import type { Releasable } from '../plan/release.ts'

/** Finds the marks of real servers that have left a service which stays. Those of a removed service go with it. */
export interface LeftMarks {
  take(outcome: Pick<Outcome, 'altered' | 'plan'>): void
  close(): void
}

export interface LeftMarksOptions {
  readonly clock: Clock
  /** Seconds for which an idle connection is kept. */
  readonly idleSeconds: number
  /** All names that have a mark. */
  readonly marked: ReadonlyMap<string, number>
  /** Called with real servers whose marks no connection has any more. */
  left(list: readonly Releasable[]): void
  /** Called at each comparison with the keys of the plan's services: others that have numbers are nobody's. */
  compared(services: ReadonlySet<string>): void
}

/**
 * Compares all marks with the plan at the first outcome, and then from time to time. A mark that the plan has lacked from one time
 * to the next belongs to nobody: in between, the connections that had it have timed out, and persistent clients have been forgotten.
 */
export function createLeftMarks({ clock, idleSeconds, marked, left, compared }: LeftMarksOptions): LeftMarks {
  let plan: Plan | undefined
  /** Names that the plan lacked the last time and has lacked since. */
  let absent = new Set<string>()
  let cancel: (() => void) | undefined

  const compare = () => {
    cancel = undefined
    const services = new Set(plan?.services.map(({ key }) => key))
    const present = new Set(
      plan?.services.flatMap(({ key, realServers }) => realServers.map(rs => markName(key, rs.id))),
    )
    const lacking = marked.keys().filter(name => !present.has(name) && services.has(ownerOfMark(name).key))
    const [known, found] = [absent, new Set(lacking)]
    absent = found.difference(known)
    const gone = found.intersection(known)
    if (gone.size > 0) left([...gone].map(ownerOfMark))
    compared(services)
    arm()
  }

  const arm = () => {
    const longest = Math.max(idleSeconds, ...(plan?.compiled ?? []).map(({ persistence }) => persistence?.timeout ?? 0))
    cancel ??= clock.after(longest * 1000, compare)
  }

  return {
    take: outcome => {
      const first = plan === undefined
      plan = outcome.plan
      for (const { key, realServers } of outcome.altered.services)
        for (const { id } of realServers) absent.delete(markName(key, id))
      if (first) compare()
    },
    close: () => cancel?.(),
  }
}
