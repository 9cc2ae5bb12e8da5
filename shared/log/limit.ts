import type { Clock } from '../run/clock.ts'

/** Decides for each message whether it is written or held back, and counts what was held back. */
export interface Limiter {
  /** True when a message with this key may be written now. */
  admit(key: string): boolean
  /** Keys whose window has ended and that had messages held back, each once: `[key, held back]`. */
  expired(): (readonly [key: string, heldBack: number])[]
}

export interface LimitOptions {
  readonly clock: Clock
  /** Equal messages that are written within one window; further ones are only counted. */
  readonly burst?: number
  readonly windowMs?: number
  /** Number of keys to remember; the oldest are forgotten first. */
  readonly maxKeys?: number
}

/** Holds back repeated messages, so that a failing retry does not flood the journal, and its first messages are still written. */
export function createLimiter({ clock, burst = 5, windowMs = 30_000, maxKeys = 1000 }: LimitOptions): Limiter {
  const windows = new Map<string, { since: number; count: number }>()
  return {
    admit(key) {
      const now = clock.now()
      const window = windows.get(key)
      if (window && now - window.since < windowMs) return ++window.count <= burst
      windows.delete(key)
      windows.set(key, { since: now, count: 1 })
      for (const oldest of windows.keys()) {
        if (windows.size <= maxKeys) break
        windows.delete(oldest)
      }
      return true
    },
    expired() {
      const now = clock.now()
      const over: (readonly [string, number])[] = []
      // The map is sorted by `since`, so the search ends at the first open window.
      for (const [key, window] of windows) {
        if (now - window.since < windowMs) break
        windows.delete(key)
        if (window.count > burst) over.push([key, window.count - burst])
      }
      return over
    },
  }
}
