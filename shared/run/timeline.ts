import type { Clock } from './clock.ts'

export interface TimelineEntry {
  /** ISO 8601, UTC, milliseconds. */
  readonly at: string
  readonly station: string
  readonly subject: string
  readonly detail: string
}

/** When the stations of the flow were reached; the newest `limit` entries, for status and nothing else. */
export interface Timeline {
  add(station: string, subject: string, detail: string): void
  readonly entries: readonly TimelineEntry[]
}

export function createTimeline(clock: Clock, limit = 500): Timeline {
  const entries: TimelineEntry[] = []
  return {
    add: (station, subject, detail) => {
      entries.push({ at: clock.wall().toISOString(), station, subject, detail })
      if (entries.length > limit) entries.splice(0, entries.length - limit)
    },
    entries,
  }
}
