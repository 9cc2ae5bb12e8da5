import type { Log } from '../log.ts'
import type { Clock } from '../run/clock.ts'

export interface DriftGuardOptions {
  readonly clock: Clock
  readonly log: Log
  /** Restores what was changed. */
  repair(): void
}

export interface DriftGuard {
  /** Call when somebody else has changed our flows. */
  heard(what: string): void
  close(): void
}

/** Number of repairs without a wait, the longest wait, and the quiet time after which the count begins anew. */
const AT_ONCE = 5
const LONGEST_MS = 1000
const CALM_MS = 10_000

/**
 * Repairs an occasional change by somebody else at once. Repeated changes are repaired ever more slowly, in the end once a
 * second, so that two controllers that disagree do not keep the host's processors busy.
 */
export function createDriftGuard({ clock, log, repair }: DriftGuardOptions): DriftGuard {
  let streak = 0
  let last = Number.NEGATIVE_INFINITY
  let cancel: (() => void) | undefined
  let held = 0

  const act = () => {
    cancel = undefined
    last = clock.now()
    repair()
  }

  return {
    heard: what => {
      if (cancel !== undefined) return void held++
      if (clock.now() - last > CALM_MS) streak = 0
      streak++
      const wait = streak <= AT_ONCE ? 0 : Math.min(LONGEST_MS, 10 * 2 ** (streak - AT_ONCE - 1))
      if (streak === 1) log.warn('somebody else has changed our flows; they are restored', { what })
      if (wait === LONGEST_MS && held > 0) {
        log.warn('somebody keeps changing our flows; they are restored once a second', { what, changes: held + 1 })
        held = 0
      }
      if (wait === 0) act()
      else cancel = clock.after(wait, act)
    },
    close: () => {
      cancel?.()
      cancel = undefined
    },
  }
}
