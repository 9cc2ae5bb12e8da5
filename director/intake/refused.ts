import type { ErrorCode } from '../../shared/errors.ts'
import type { Clock } from '../../shared/run/clock.ts'

/** A host whose agent was refused. */
export interface Refused {
  readonly code: ErrorCode
  /** As the agent says. */
  readonly hostId: string
  /** Who says so: the name in its certificate, or the address that it dials from. */
  readonly peer: string
  /** Who, what, and how to mend it. */
  readonly reason: string
}

/** An agent that is refused dials again every 5 s; one that has not for so long is gone. */
const GONE_MS = 30_000
/** Of a peer that finds a new reason each time, no more are kept: others have their places. */
const MOST_OF_ONE = 5
const MOST = 500

/** What has become of a refusal. It is in the list unless a share is full: the peer's, or that of all. */
export type Put = 'new' | 'known' | 'share full' | 'list full'

/** Keeps who has been refused, for status, as long as it tries. */
export function createRefused(clock: Clock, changed: () => void) {
  const known = new Map<string, { readonly refused: Refused; readonly cancel: () => void }>()
  const forget = (reason: string) => {
    known.get(reason)?.cancel()
    if (known.delete(reason)) changed()
  }
  return {
    put: (refused: Refused): Put => {
      const { peer, code, reason } = refused
      const before = known.get(reason)
      if (before === undefined) {
        const share = known.values().filter(one => one.refused.peer === peer && one.refused.code === code)
        if (share.reduce(count => count + 1, 0) >= MOST_OF_ONE) return 'share full'
        if (known.size >= MOST) return 'list full'
      }
      before?.cancel()
      known.set(reason, { refused, cancel: clock.after(GONE_MS, () => forget(reason)) })
      if (before !== undefined) return 'known'
      changed()
      return 'new'
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
