import type { TimelineEntry } from '../shared/rpc/gen/crossport/v1/TimelineEntry.ts'
import type { Clock } from '../shared/run/clock.ts'

const KEPT = 200

/** When a service's stations were reached. The newest 200, oldest first. */
export interface Timeline {
  readonly entries: readonly TimelineEntry[]
  /** Once for each new detail of a subject at a station; the same again is no news. */
  reached(station: 'file' | 'registered' | 'flows', subject: string, detail: string): void
  /** The subject is gone: should it come back, that is news. */
  forget(station: 'file' | 'registered' | 'flows', present: ReadonlySet<string>): void
}

export function createTimeline(clock: Clock): Timeline {
  let entries: readonly TimelineEntry[] = []
  const last = new Map<string, Map<string, string>>()
  return {
    get entries() {
      return entries
    },
    reached: (station, subject, detail) => {
      const known = last.get(station) ?? new Map<string, string>()
      last.set(station, known)
      if (known.get(subject) === detail) return
      known.set(subject, detail)
      entries = [...entries.slice(1 - KEPT), { at: clock.wall().toISOString(), station, subject, detail }]
    },
    forget: (station, present) => {
      const known = last.get(station)
      for (const subject of known?.keys() ?? []) if (!present.has(subject)) known?.delete(subject)
    },
  }
}
