import type { Clock } from '../run/clock.ts'

/** What became of one message: written, held back, or written with how many were held back before it. */
export interface Limiter {
  /** True when a message with this key may be written now. */
  admit(key: string): boolean
  /** Keys whose window is over and of which some were held back, each once: `[key, held back]`. */
  expired(): (readonly [key: string, heldBack: number])[]
}

export interface LimitOptions {
  readonly clock: Clock
  /** Identical messages written within one window before the rest are counted only. */
  readonly burst?: number
  readonly windowMs?: number
  /** Distinct messages remembered; the oldest are forgotten first. */
  readonly maxKeys?: number
}

/** Holds back messages that repeat: a retry that flaps must not flood the journal, and its first lines must be there. */
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
      // Insertion order is the order of `since`, so the first window that is still open ends the search.
      for (const [key, window] of windows) {
        if (now - window.since < windowMs) break
        windows.delete(key)
        if (window.count > burst) over.push([key, window.count - burst])
      }
      return over
    },
  }
}
