import { setImmediate } from 'node:timers/promises'

/**
 * Interrupts work that would hold the event loop for long. Report the weight of each finished piece, and await the result. Once
 * pieces with a total weight of `most` are done, the promise lets I/O and timers run, and the count begins anew. It counts work
 * and not time, so that the same work is interrupted at the same places.
 */
export function createPace(most: number): (weight: number) => Promise<void> | undefined {
  let done = 0
  return weight => {
    done += weight
    if (done < most) return undefined
    done = 0
    return setImmediate()
  }
}
