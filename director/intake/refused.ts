import type { ErrorCode } from '../../shared/errors.ts'
import type { Clock } from '../../shared/run/clock.ts'

/** A host whose agent was refused. */
export interface Refused {
  readonly code: ErrorCode
  readonly hostId: string
  /** Who, what, and how to mend it. */
  readonly reason: string
}

/** An agent that is refused dials again every 5 s; one that has not for so long is gone. */
const GONE_MS = 30_000
/** Of a peer that finds a new reason each time, no more are kept. */
const MOST = 200

/** Keeps who has been refused, for status, as long as it tries. */
export function createRefused(clock: Clock, changed: () => void) {
  const known = new Map<string, { readonly refused: Refused; readonly cancel: () => void }>()
  const forget = (reason: string) => {
    known.get(reason)?.cancel()
    if (known.delete(reason)) changed()
  }
  return {
    /** Returns whether that is news. */
    put: (refused: Refused): boolean => {
      const before = known.get(refused.reason)
      before?.cancel()
      if (before === undefined && known.size >= MOST) return false
      const cancel = clock.after(GONE_MS, () => forget(refused.reason))
      known.set(refused.reason, { refused, cancel })
      if (before === undefined) changed()
      return before === undefined
    },
    /** The host id has been given to somebody. */
    settled: (hostId: string) => {
      for (const { refused } of known.values()) if (refused.hostId === hostId) forget(refused.reason)
    },
    list: (): readonly Refused[] => [...known.values()].map(({ refused }) => refused),
    close: () => {
      for (const { cancel } of known.values()) cancel()
    },
  }
}
