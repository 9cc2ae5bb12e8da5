import type { Clock } from './clock.ts'

/** Long enough to read what a socket holds. */
const READING_MS = 100

/**
 * Calls `late` after `ms` (more than 100), but not before what has come in meanwhile is read: a process that was held up
 * must not take its own lateness for the peer's. Timers that are overdue run before sockets are read. Returns what cancels it.
 */
export function afterReading(clock: Pick<Clock, 'after'>, ms: number, late: () => void): () => void {
  let cancel = clock.after(ms - READING_MS, () => {
    cancel = clock.after(READING_MS, late)
  })
  return () => cancel()
}
