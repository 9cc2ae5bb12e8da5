import type { ReportedRealServer } from './types.ts'

export interface Delta {
  readonly upserted: readonly ReportedRealServer[]
  readonly removedIds: readonly string[]
}

/** What the director has to hear so that it knows `next`, when it knows `known`; undefined when it knows already. */
export function deltaOf(
  known: ReadonlyMap<string, ReportedRealServer>,
  next: ReadonlyMap<string, ReportedRealServer>,
): Delta | undefined {
  const upserted = [...next.values()].filter(rs => !same(known.get(rs.id), rs))
  const removedIds = [...known.keys()].filter(id => !next.has(id))
  return upserted.length === 0 && removedIds.length === 0 ? undefined : { upserted, removedIds }
}

function same(a: ReportedRealServer | undefined, b: ReportedRealServer): boolean {
  // A report that has not changed is the same object (reports.ts).
  if (a === b) return true
  if (a === undefined) return false
  const keys = Object.keys({ ...a, ...b }) as (keyof ReportedRealServer)[]
  return keys.every(key => a[key] === b[key])
}
