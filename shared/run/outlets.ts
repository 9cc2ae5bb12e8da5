import type { Log } from '../log.ts'
import { attemptAll } from './attempt-all.ts'
import { createTopic, type Topic } from './cell.ts'
import type { Removal, Removals } from './removals.ts'

/** Something besides the bridge's flows that acts on a pass's result. */
export interface Outlet<Result, Gone> {
  /** Name in the log and in the queue of removals; unique. */
  readonly name: string
  /**
   * `gone`: what was removed since this outlet was plugged in, and what it has not taken yet. When it throws, the pass is
   * repeated and the removals are passed again.
   */
  take(result: Result, gone: Gone): void
}

/** Outlets that are called at one point of the pass, in the order in which they were plugged in. */
export interface Outlets<Result, Gone> {
  /**
   * Adds an outlet. The first result that it takes is a whole one, and so is the first after one at which it has thrown. Returns
   * a function that removes the outlet.
   */
  plug(outlet: Outlet<Result, Gone>): () => void
  /** Names of outlets that are plugged in. Such an outlet needs a pass: it is not told of an earlier result. */
  readonly plugged: Pick<Topic<string>, 'subscribe'>
  /** Calls all outlets. Returns the errors of those that failed; each is logged with the outlet's name. */
  tell(result: Result): readonly unknown[]
}

export interface OutletsOptions<Result, Gone, Item> {
  readonly removals: Removals<Item>
  readonly log: Log
  /** The same result, with everything marked as changed. */
  whole(result: Result): Result
  /** The form in which outlets hear of removals. */
  gone(removals: readonly Removal<Item>[]): Gone
}

export function createOutlets<Result, Gone, Item>({
  removals,
  log,
  whole,
  gone,
}: OutletsOptions<Result, Gone, Item>): Outlets<Result, Gone> {
  const plugged = createTopic<string>()
  const outlets = new Set<Outlet<Result, Gone>>()
  /** Those that have taken the last result. */
  const upToDate = new Set<Outlet<Result, Gone>>()
  return {
    plug: outlet => {
      removals.register(outlet.name)
      outlets.add(outlet)
      plugged.publish(outlet.name)
      return () => {
        outlets.delete(outlet)
        upToDate.delete(outlet)
        removals.unregister(outlet.name)
      }
    },
    plugged,
    tell: result =>
      attemptAll(
        outlets,
        outlet => {
          const pending = removals.pending(outlet.name)
          const changes = upToDate.delete(outlet) ? result : whole(result)
          outlet.take(changes, gone(pending))
          removals.taken(outlet.name, pending)
          upToDate.add(outlet)
        },
        (err, { name }) => log.warn(`${name}: the result of a pass could not be taken`, { err }),
      ),
  }
}
