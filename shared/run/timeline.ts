import type { Clock } from './clock.ts'

export interface TimelineEntry {
  /** ISO 8601, UTC, milliseconds. */
  readonly at: string
  readonly station: string
  readonly subject: string
  readonly detail: string
}

/** When services and real servers reached each station; the newest `limit` entries, oldest first, for status only. */
export interface Timeline {
  add(station: string, subject: string, detail: string): void
  /** Adds an entry for each new detail of a subject at a station; the same detail again adds nothing. */
  reached(station: string, subject: string, detail: string): void
  /** Forgets subjects that are not in `present`: when one comes back, it adds an entry again. */
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
    // Removed in lots, because at ten thousand real servers a shift of all entries for each new one would be costly.
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
