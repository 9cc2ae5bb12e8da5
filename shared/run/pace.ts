import { setImmediate } from 'node:timers/promises'

/**
 * For work that would hold the event loop for long: tell it of each piece as it is done, and await what it gives. Once
 * pieces of the weight of `most` in all have been done, that lets I/O and timers have their turn, and the count begins
 * anew. Goes by the work and not by the time, so that the same work is interrupted at the same places.
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
