import type { Clock } from './clock.ts'

export interface TokenBucket {
  /** True when one item, or `count` items together, may pass. */
  take(count?: number): boolean
  /** How many items have not passed. */
  readonly refused: number
}

/** Lets at most `burst` items pass at once, and `perSecond` in the long run. */
export function createTokenBucket(
  clock: Pick<Clock, 'now'>,
  { perSecond, burst }: { readonly perSecond: number; readonly burst: number },
): TokenBucket {
  let tokens = burst
  let last = clock.now()
  let refused = 0
  return {
    take: (count = 1) => {
      const now = clock.now()
      tokens = Math.min(burst, tokens + ((now - last) * perSecond) / 1000)
      last = now
      if (tokens < count) {
        refused++
        return false
      }
      tokens -= count
      return true
    },
    get refused() {
      return refused
    },
  }
}
