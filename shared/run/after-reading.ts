import type { Clock } from './clock.ts'

/** Long enough to read what a socket holds. */
const READING_MS = 100

/**
 * Calls `late` after `ms` (more than 100), but only after data that has arrived meanwhile is read: a process that was suspended
 * must not blame its own delay on the peer. (Overdue timers run before sockets are read.) Returns a function that cancels it.
 */
export function afterReading(clock: Pick<Clock, 'after'>, ms: number, late: () => void): () => void {
  let cancel = clock.after(ms - READING_MS, () => {
    cancel = clock.after(READING_MS, late)
  })
  return () => cancel()
}
