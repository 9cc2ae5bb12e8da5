import type { Log } from '../../shared/log.ts'
import { createOutlets, type Outlets } from '../../shared/run/outlets.ts'
import type { Removal, Removals } from '../../shared/run/removals.ts'
import { type PlannedService, type Selection, selectionOf } from '../plan/plan.ts'
import type { Intent } from './types.ts'

/** The removals of services, by key, for all outlets. */
export type ServiceRemovals = Removals<PlannedService>

/** Outlets that hear of removed services, but of none that has come back: it is among the altered instead. */
export type ServiceOutlets<T> = Outlets<T, Selection>

export function createServiceOutlets<T extends Pick<Intent, 'plan' | 'altered'>>(
  removals: ServiceRemovals,
  log: Log,
): ServiceOutlets<T> {
  return createOutlets({ removals, log, whole: (result: T) => ({ ...result, altered: result.plan }), gone: goneOf })
}

/** The removals that `name` has not taken yet, and a function that takes them. */
export function goneFor(removals: ServiceRemovals, name: string): { readonly gone: Selection; taken(): void } {
  const pending = removals.pending(name)
  return { gone: goneOf(pending), taken: () => removals.taken(name, pending) }
}

const goneOf = (pending: readonly Removal<PlannedService>[]): Selection =>
  selectionOf(pending.flatMap(({ item, back }) => (back ? [] : item)))
