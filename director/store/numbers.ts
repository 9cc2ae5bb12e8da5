import { CrossportError } from '../../shared/errors.ts'
import type { Database } from '../../shared/sqlite/open.ts'

/**
 * What is named by a number in the switch. Marks and buckets share one number, for a bucket is a real server.
 * Zones are those above the ones people pick by hand; group numbers have to fit 16 bits (shared/flows/cookie.ts).
 */
const RANGES = {
  mark: { first: 1, last: 0x00ff_ffff },
  service: { first: 1, last: 0xbfff },
} as const

/** Zone of a service's connections: its number above this. 16 bits in all. */
export const ZONE_BASE = 0x4000

export type NumberKind = keyof typeof RANGES

/** Stable numbers: the same name always gets the same number, also after a restart. */
export interface Numbers {
  /** Throws STORE_FAILED when the range is used up. */
  of(kind: NumberKind, name: string): number
  /** Writes down, in one transaction, those that are new: before anything is done by them. Throws; they stay to be written. */
  save(): void
}

export function openNumbers(db: Database): Numbers {
  const known = new Map<string, number>()
  const rows = db.prepare('SELECT kind, name, number FROM number').all() as Row[]
  const highest = { mark: 0, service: 0 }
  for (const { kind, name, number } of rows) {
    known.set(`${kind} ${name}`, number)
    highest[kind] = Math.max(highest[kind], number)
  }
  let unsaved: Row[] = []
  const insert = db.prepare('INSERT INTO number (kind, name, number) VALUES (?, ?, ?)')
  const write = db.transaction((list: readonly Row[]) => {
    for (const { kind, name, number } of list) insert.run(kind, name, number)
  })
  return {
    of: (kind, name) => {
      const key = `${kind} ${name}`
      const there = known.get(key)
      if (there !== undefined) return there
      const number = Math.max(highest[kind] + 1, RANGES[kind].first)
      if (number > RANGES[kind].last) {
        throw new CrossportError('STORE_FAILED', `no ${kind} number is left for ${name}`, { fields: { kind } })
      }
      highest[kind] = number
      unsaved.push({ kind, name, number })
      known.set(key, number)
      return number
    },
    save: () => {
      if (unsaved.length === 0) return
      write(unsaved)
      unsaved = []
    },
  }
}

interface Row {
  kind: NumberKind
  name: string
  number: number
}
