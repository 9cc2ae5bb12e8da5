import { goneFor, type ServiceRemovals } from './outlets.ts'
import type { Companion, CompanionChange, Intent } from './types.ts'

/** All companions, in the order in which they were plugged in. */
export interface Companions {
  /** Adds a companion. Returns a function that removes it. */
  plug(companion: Companion): () => void
  /** Asks all companions in order. Resolves with the error of the first that failed; later ones are not asked then. */
  ensure(intent: Intent): Promise<{ readonly error: unknown } | undefined>
  /** Withdraws all companions in order. Rejects with the error of the first that fails. */
  withdraw(): Promise<void>
}

const NAME = 'companions'

export function createCompanions(removals: ServiceRemovals): Companions {
  const plugged = new Set<Companion>()
  removals.register(NAME)
  return {
    plug: companion => {
      plugged.add(companion)
      return () => {
        plugged.delete(companion)
      }
    },
    ensure: async ({ plan, altered, tornDown }) => {
      const { gone, taken } = goneFor(removals, NAME)
      const change: CompanionChange = tornDown
        ? { altered: [], gone: [...gone.compiled, ...plan.compiled] }
        : { altered: altered.compiled, gone: gone.compiled }
      try {
        for (const companion of plugged) await companion.ensure?.(change)
        taken()
        return undefined
      } catch (error) {
        return { error }
      }
    },
    withdraw: async () => {
      for (const companion of plugged) await companion.withdraw?.()
    },
  }
}
