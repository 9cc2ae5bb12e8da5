import type { NumberStore } from '../store/numbers.ts'
import { markName, numberNames, ownerOfMark } from './plan.ts'

/** A removed service, or one of its real servers that has left it: nothing in the switch uses its numbers any more. */
export interface Releasable {
  /** Key of the service. */
  readonly key: string
  /** The real server; undefined: the whole service, with all that it has ever had. */
  readonly id?: string
}

/** Gives back the numbers. Throws STORE_FAILED; some may be given back by then. */
export function releaseNumbers(numbers: NumberStore, list: readonly Releasable[]): void {
  if (list.length === 0) return
  const services = new Set(list.flatMap(({ key, id }) => (id === undefined ? key : [])))
  const left = list.flatMap(({ key, id }) => (id === undefined ? [] : markName(key, id)))
  const marks =
    services.size === 0
      ? []
      : numbers
          .named('mark')
          .keys()
          .filter(name => services.has(ownerOfMark(name).key))
  // Marks come first, because they are found by the service.
  numbers.release('mark', [...new Set([...left, ...marks])])
  numbers.release('service', [...services].flatMap(numberNames))
}
