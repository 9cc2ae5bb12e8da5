import type { Removals } from '../../shared/run/removals.ts'
import { type PlannedService, type Selection, selectionOf } from '../plan/plan.ts'
import type { Outlet } from './types.ts'

/** What is gone, for everyone who has to know: by the service's key. */
export type ServiceRemovals = Removals<PlannedService>

/** The outlets that are told at one station of the pass, in the order in which they were plugged in. */
export interface Outlets<T> {
  /** Returns what unplugs it. */
  plug(outlet: Outlet<T>): () => void
  /** Tells all of them. Throws the first error of those that threw, when all have been told. */
  tell(result: T): void
}

export function createOutlets<T>(removals: ServiceRemovals): Outlets<T> {
  const plugged = new Set<Outlet<T>>()
  return {
    plug: outlet => {
      removals.register(outlet.name)
      plugged.add(outlet)
      return () => {
        plugged.delete(outlet)
      }
    },
    tell: result => {
      const errors: unknown[] = []
      for (const outlet of plugged) {
        const { gone, taken } = goneFor(removals, outlet.name)
        try {
          outlet.take(result, gone)
          taken()
        } catch (error) {
          errors.push(error)
        }
      }
      if (errors.length > 0) throw errors[0]
    },
  }
}

/** What `outlet` has not taken yet, and the way to say that it has. One that is back needs no removal: it is altered. */
export function goneFor(removals: ServiceRemovals, outlet: string): { readonly gone: Selection; taken(): void } {
  const pending = removals.pending(outlet)
  const gone = pending.flatMap(({ item, back }) => (back ? [] : item))
  return { gone: selectionOf(gone), taken: () => removals.taken(outlet, pending) }
}
