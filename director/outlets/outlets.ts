import type { Log } from '../../shared/log.ts'
import { attemptAll } from '../../shared/run/attempt-all.ts'
import type { Removals } from '../../shared/run/removals.ts'
import { type PlannedService, type Selection, selectionOf } from '../plan/plan.ts'
import type { Outlet } from './types.ts'

/** The removals of services, by key, for all outlets. */
export type ServiceRemovals = Removals<PlannedService>

/** Outlets that are called at one point of the pass, in the order in which they were plugged in. */
export interface Outlets<T> {
  /** Adds an outlet. Returns a function that removes it. */
  plug(outlet: Outlet<T>): () => void
  /** Calls all outlets. Returns the errors of those that failed; each is logged with the outlet's name. */
  tell(result: T): readonly unknown[]
}

export function createOutlets<T>(removals: ServiceRemovals, log: Log): Outlets<T> {
  const plugged = new Set<Outlet<T>>()
  return {
    plug: outlet => {
      removals.register(outlet.name)
      plugged.add(outlet)
      return () => {
        plugged.delete(outlet)
        removals.unregister(outlet.name)
      }
    },
    tell: result =>
      attemptAll(
        plugged,
        outlet => {
          const { gone, taken } = goneFor(removals, outlet.name)
          outlet.take(result, gone)
          taken()
        },
        (err, { name }) => log.warn(`${name}: the result of a pass could not be taken`, { err }),
      ),
  }
}

/**
 * The removals that `outlet` has not taken yet, and a function that takes them. A service that has come back counts as altered,
 * not as gone.
 */
export function goneFor(removals: ServiceRemovals, outlet: string): { readonly gone: Selection; taken(): void } {
  const pending = removals.pending(outlet)
  const gone = pending.flatMap(({ item, back }) => (back ? [] : item))
  return { gone: selectionOf(gone), taken: () => removals.taken(outlet, pending) }
}
