import { CrossportError } from '../../shared/errors.ts'
import type { Database } from '../../shared/sqlite/open.ts'

/**
 * Ranges of the numbers in the switch. Marks and buckets share their numbers, because both stand for a real server. Zones lie
 * above the numbers that people choose by hand. Group numbers have to fit 16 bits (shared/flows/cookie.ts).
 */
const RANGES: Ranges = {
  mark: { first: 1, last: 0x00ff_ffff },
  service: { first: 1, last: 0xbfff },
}

export type Ranges = Readonly<Record<NumberKind, { readonly first: number; readonly last: number }>>

/** More free numbers than this are not kept, so that the state file does not grow with all that has ever been there. */
export const MOST_FREE = 0xffff

/** A service's zone is this plus its number; zones have 16 bits. */
export const ZONE_BASE = 0x4000

export type NumberKind = 'mark' | 'service'

/** Stable numbers: the same name always gets the same number, also after a restart. */
export interface Numbers {
  /** Throws STORE_FAILED when the range is used up. */
  of(kind: NumberKind, name: string): number
  /** Writes new numbers in one transaction, before they are used. When it throws, they are written the next time. */
  save(): void
  /** The name has a number, and it is written down. */
  isKept(kind: NumberKind, name: string): boolean
}

export interface NumberStore extends Numbers {
  /** All names that have a number, with their numbers. */
  named(kind: NumberKind): ReadonlyMap<string, number>
  /**
   * Frees the numbers of names that are gone and that nothing in the switch uses any more. They are given again as late as
   * possible. Throws STORE_FAILED and changes nothing then.
   */
  release(kind: NumberKind, names: readonly string[]): void
}

/** Numbers that were never given are used first, then, and while many are free, those that have been free longest. */
export function openNumbers(db: Database, ranges: Ranges = RANGES): NumberStore {
  const known = { mark: new Map<string, number>(), service: new Map<string, number>() }
  const free: Record<NumberKind, number[]> = { mark: [], service: [] }
  const highest = { mark: 0, service: 0 }
  const take = (kind: NumberKind, number: number) => {
    highest[kind] = Math.max(highest[kind], number)
  }
  for (const { kind, name, number } of db.prepare('SELECT kind, name, number FROM number').all() as Row[]) {
    known[kind].set(name, number)
    take(kind, number)
  }
  for (const { kind, number } of db.prepare('SELECT kind, number FROM free_number ORDER BY id').all() as Row[]) {
    free[kind].push(number)
    take(kind, number)
  }
  /** By kind and name. */
  const unsaved = new Map<string, Row>()
  const keyOf = (kind: NumberKind, name: string) => `${kind} ${name}`
  const insert = db.prepare('INSERT INTO number (kind, name, number) VALUES (?, ?, ?)')
  const remove = db.prepare('DELETE FROM number WHERE kind = ? AND name = ?')
  const insertFree = db.prepare('INSERT INTO free_number (kind, number) VALUES (?, ?)')
  const removeFree = db.prepare('DELETE FROM free_number WHERE kind = ? AND number = ?')
  const write = db.transaction((list: Iterable<Row>) => {
    for (const { kind, name, number } of list) {
      removeFree.run(kind, number)
      insert.run(kind, name, number)
    }
  })
  const writeFree = db.transaction((list: readonly Row[]) => {
    for (const { kind, name, number } of list) {
      remove.run(kind, name)
      insertFree.run(kind, number)
    }
  })

  const next = (kind: NumberKind, name: string) => {
    if (free[kind].length > MOST_FREE) return free[kind].shift()!
    const number = Math.max(highest[kind] + 1, ranges[kind].first)
    if (number <= ranges[kind].last) return number
    const freed = free[kind].shift()
    if (freed !== undefined) return freed
    throw new CrossportError('STORE_FAILED', `no ${kind} number is left for ${name}`, { fields: { kind } })
  }

  return {
    of: (kind, name) => {
      const there = known[kind].get(name)
      if (there !== undefined) return there
      const number = next(kind, name)
      take(kind, number)
      unsaved.set(keyOf(kind, name), { kind, name, number })
      known[kind].set(name, number)
      return number
    },
    save: () => {
      if (unsaved.size === 0) return
      write(unsaved.values())
      unsaved.clear()
    },
    isKept: (kind, name) => known[kind].has(name) && !unsaved.has(keyOf(kind, name)),
    named: kind => known[kind],
    release: (kind, names) => {
      const list = names.flatMap(name => {
        const number = known[kind].get(name)
        return number === undefined ? [] : { kind, name, number }
      })
      if (list.length === 0) return
      writeFree(list.filter(({ name }) => !unsaved.has(keyOf(kind, name))))
      for (const { name, number } of list) {
        unsaved.delete(keyOf(kind, name))
        known[kind].delete(name)
        free[kind].push(number)
      }
    },
  }
}

/** True for the error of `of` when a range is used up; only the one name is affected. */
export function isUsedUp(error: unknown): boolean {
  return error instanceof CrossportError && error.code === 'STORE_FAILED' && error.fields.kind !== undefined
}

interface Row {
  kind: NumberKind
  name: string
  number: number
}
