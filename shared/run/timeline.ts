import type { Clock } from './clock.ts'

export interface TimelineEntry {
  /** ISO 8601, UTC, milliseconds. */
  readonly at: string
  readonly station: string
  readonly subject: string
  readonly detail: string
}

/** When the stations of the flow were reached; the newest `limit` entries, oldest first, for status and nothing else. */
export interface Timeline {
  add(station: string, subject: string, detail: string): void
  /** Adds once for each new detail of a subject at a station; the same again is no news. */
  reached(station: string, subject: string, detail: string): void
  /** Subjects that are not `present` are gone from the station: should one come back, that is news. */
  forget(station: string, present: { has(subject: string): boolean }): void
  readonly entries: readonly TimelineEntry[]
}

export function createTimeline(clock: Clock, limit = 500): Timeline {
  const entries: TimelineEntry[] = []
  const last = new Map<string, Map<string, string>>()
  const at = (station: string) => {
    let known = last.get(station)
    if (known === undefined) last.set(station, (known = new Map()))
    return known
  }
  const add = (station: string, subject: string, detail: string) => {
    entries.push({ at: clock.wall().toISOString(), station, subject, detail })
    // In lots, for at ten thousand real servers each entry moving all others is work of its own.
    if (entries.length > 2 * limit) entries.splice(0, entries.length - limit)
  }
  return {
    add,
    reached: (station, subject, detail) => {
      const known = at(station)
      if (known.get(subject) === detail) return
      known.set(subject, detail)
      add(station, subject, detail)
    },
    forget: (station, present) => {
      const known = at(station)
      for (const subject of known.keys()) if (!present.has(subject)) known.delete(subject)
    },
    get entries() {
      return entries.slice(-limit)
    },
  }
}
