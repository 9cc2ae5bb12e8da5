import type { Log } from '../shared/log.ts'
import { goneFor, type ServiceRemovals } from './outlets/outlets.ts'
import type { Companion, CompanionChange, Intent } from './outlets/types.ts'

/** All companions, in the order in which they were plugged in. One that fails does not keep the others from their work. */
export interface Companions {
  /** Adds a companion. Returns a function that removes it. */
  plug(companion: Companion): () => void
  /** Asks all companions in order. Resolves with the errors of those that failed; each is logged with the companion's name. */
  ensure(intent: Intent): Promise<readonly unknown[]>
  /** Withdraws all companions in order; each error is logged. Rejects with the first one in the end. */
  withdraw(): Promise<void>
}

export function createCompanions(removals: ServiceRemovals, log: Log): Companions {
  const plugged = new Set<Companion>()
  const queue = ({ name }: Companion) => `companion: ${name}`

  const each = async (act: (companion: Companion) => Promise<unknown>) => {
    const errors: unknown[] = []
    for (const companion of plugged) {
      try {
        await act(companion)
      } catch (err) {
        log.warn(`${companion.name}: the switch could not be prepared or cleared`, { err })
        errors.push(err)
      }
    }
    return errors
  }

  return {
    plug: companion => {
      if (companion.ensure !== undefined) removals.register(queue(companion))
      plugged.add(companion)
      return () => {
        plugged.delete(companion)
        removals.unregister(queue(companion))
      }
    },
    ensure: ({ plan, altered, tornDown }) =>
      each(async companion => {
        if (companion.ensure === undefined) return
        const { gone, taken } = goneFor(removals, queue(companion))
        const change: CompanionChange = tornDown
          ? { altered: [], gone: [...gone.compiled, ...plan.compiled] }
          : { altered: altered.compiled, gone: gone.compiled }
        await companion.ensure(change)
        taken()
      }),
    withdraw: async () => {
      const errors = await each(async companion => companion.withdraw?.())
      if (errors.length > 0) throw errors[0]
    },
  }
}
