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
  /** Throws STORE_FAILED when the range is used up or the file cannot be written. */
  of(kind: NumberKind, name: string): number
}

export function openNumbers(db: Database): Numbers {
  const known = new Map<string, number>()
  const rows = db.prepare('SELECT kind, name, number FROM number').all() as Row[]
  for (const row of rows) known.set(`${row.kind} ${row.name}`, row.number)
  const highest = db.prepare('SELECT coalesce(max(number), 0) AS number FROM number WHERE kind = ?')
  const insert = db.prepare('INSERT INTO number (kind, name, number) VALUES (?, ?, ?)')
  return {
    of: (kind, name) => {
      const key = `${kind} ${name}`
      const there = known.get(key)
      if (there !== undefined) return there
      const number = Math.max((highest.get(kind) as { number: number }).number + 1, RANGES[kind].first)
      if (number > RANGES[kind].last) {
        throw new CrossportError('STORE_FAILED', `no ${kind} number is left for ${name}`, { fields: { kind } })
      }
      insert.run(kind, name, number)
      known.set(key, number)
      return number
    },
  }
}

interface Row {
  kind: string
  name: string
  number: number
}
