import type { Log } from '../../shared/log.ts'
import { attemptAll } from '../../shared/run/attempt-all.ts'
import type { Outcome } from '../outcome.ts'

/** Those who act on a pass's outcome, in the order in which they were plugged in. */
export interface Outlets {
  /**
   * Adds an outlet, and asks for a pass: the outcome before it is not told again, for since then something may be gone. The first
   * outcome that `take` gets has all real servers as altered, and so has the first after one that it has thrown at. Returns a
   * function that removes the outlet.
   */
  plug(name: string, take: (outcome: Outcome) => void): () => void
  /** Calls all outlets. Returns the errors of those that failed; each is logged with the outlet's name. */
  tell(outcome: Outcome): readonly unknown[]
}

export interface OutletsOptions {
  readonly log: Log
  /** Asks for a pass. */
  mark(reason: string): void
}

interface Outlet {
  readonly name: string
  take(outcome: Outcome): void
  /** It has taken the last outcome. */
  upToDate: boolean
}

export function createOutlets({ log, mark }: OutletsOptions): Outlets {
  const plugged = new Set<Outlet>()
  return {
    plug: (name, take) => {
      const outlet = { name, take, upToDate: false }
      plugged.add(outlet)
      mark(name)
      return () => {
        plugged.delete(outlet)
      }
    },
    tell: outcome =>
      attemptAll(
        plugged,
        outlet => {
          const { upToDate } = outlet
          outlet.upToDate = false
          outlet.take(upToDate ? outcome : { ...outcome, altered: outcome.realServers })
          outlet.upToDate = true
        },
        (err, { name }) => log.warn(`${name}: the outcome of a pass could not be taken`, { err }),
      ),
  }
}
