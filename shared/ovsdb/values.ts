import { CrossportError } from '../errors.ts'
import { textOf } from './text.ts'

/** RFC 7047 section 3.2, <atomic-type>. Integers are read as doubles: columns that need more than 53 bits are not supported. */
export type AtomType = keyof AtomTypes

interface AtomTypes {
  readonly string: string
  readonly integer: number
  readonly real: number
  readonly boolean: boolean
  /** Without the ["uuid", …] wrapping, because the column tells the type. */
  readonly uuid: string
}

export type Atom = string | number | boolean

/**
 * A column as its reader declares it. `T` is the value in TypeScript; `initial` is the default of RFC 7047
 * section 5.2.1, which the server leaves out of updates.
 */
export interface Column<T = unknown> {
  readonly shape: 'scalar' | 'optional' | 'set' | 'map'
  readonly key: AtomType
  readonly value: AtomType | undefined
  readonly initial: T
}

const INITIAL: AtomTypes = {
  string: '',
  integer: 0,
  real: 0,
  boolean: false,
  uuid: '00000000-0000-0000-0000-000000000000',
}

/** Exactly one value. */
export function scalar<K extends AtomType>(key: K): Column<AtomTypes[K]> {
  return { shape: 'scalar', key, value: undefined, initial: INITIAL[key] }
}

/** At most one value (min 0, max 1). */
export function optional<K extends AtomType>(key: K): Column<AtomTypes[K] | undefined> {
  return { shape: 'optional', key, value: undefined, initial: undefined }
}

/** A set that may hold more than one value. */
export function set<K extends AtomType>(key: K): Column<ReadonlySet<AtomTypes[K]>> {
  return { shape: 'set', key, value: undefined, initial: new Set() }
}

/** A map that may hold more than one pair. */
export function map<K extends AtomType, V extends AtomType>(
  key: K,
  value: V,
): Column<ReadonlyMap<AtomTypes[K], AtomTypes[V]>> {
  return { shape: 'map', key, value, initial: new Map() }
}

/** A value of RFC 7047 section 5.1 as the column's type. Throws OVSDB_PROTOCOL. */
export function decode<T>(column: Column<T>, json: unknown): T {
  return decodeAny(column, json) as T
}

/**
 * Applies `modify` of update2 and update3 (ovsdb-server(7), "Update2 Notification"): a new value where a column holds at most
 * one, else the difference: set members that come or go; map pairs that come, go (same value) or change (other value).
 */
export function applyDifference<T>(column: Column<T>, old: T, json: unknown): T {
  const difference: unknown = decodeAny(column, json)
  if (column.shape === 'set') {
    return (old as ReadonlySet<Atom>).symmetricDifference(difference as ReadonlySet<Atom>) as T
  }
  if (column.shape !== 'map') return difference as T
  const result = new Map(old as ReadonlyMap<Atom, Atom>)
  for (const [key, value] of difference as ReadonlyMap<Atom, Atom>) {
    if (result.get(key) === value) result.delete(key)
    else result.set(key, value)
  }
  return result as T
}

/** A value in the form of RFC 7047 section 5.1, for rows and conditions of a transaction. */
export function encode<T>(column: Column<T>, value: T): unknown {
  const atom = (type: AtomType, a: Atom): unknown => (type === 'uuid' ? ['uuid', a] : a)
  switch (column.shape) {
    case 'scalar':
      return atom(column.key, value as Atom)
    case 'optional':
      return ['set', value === undefined ? [] : [atom(column.key, value as Atom)]]
    case 'set':
      return ['set', Array.from(value as ReadonlySet<Atom>, a => atom(column.key, a))]
    case 'map':
      return [
        'map',
        Array.from(value as ReadonlyMap<Atom, Atom>, ([k, v]) => [atom(column.key, k), atom(column.value!, v)]),
      ]
  }
}

function decodeAny(column: Column, json: unknown): unknown {
  switch (column.shape) {
    case 'scalar': {
      const atoms = members(json)
      if (atoms.length !== 1) bad('one value', json)
      return decodeAtom(column.key, atoms[0])
    }
    case 'optional': {
      const atoms = members(json)
      if (atoms.length > 1) bad('at most one value', json)
      return atoms.length === 0 ? undefined : decodeAtom(column.key, atoms[0])
    }
    case 'set':
      return new Set(members(json).map(atom => decodeAtom(column.key, atom)))
    case 'map':
      return decodeMap(column.key, column.value!, json)
  }
}

/** The atoms of a <set>, which may be written as a single atom. */
function members(json: unknown): readonly unknown[] {
  if (!Array.isArray(json) || json[0] !== 'set') return [json]
  return json.length === 2 && Array.isArray(json[1]) ? json[1] : bad('a set', json)
}

function decodeMap(key: AtomType, value: AtomType, json: unknown): ReadonlyMap<Atom, Atom> {
  if (!Array.isArray(json) || json.length !== 2 || json[0] !== 'map' || !Array.isArray(json[1]))
    return bad('a map', json)
  const pairs: readonly unknown[] = json[1]
  return new Map(
    pairs.map(pair =>
      Array.isArray(pair) && pair.length === 2
        ? [decodeAtom(key, pair[0]), decodeAtom(value, pair[1])]
        : bad('a pair', pair),
    ),
  )
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

const isUuid = (json: unknown): json is ['uuid', string] =>
  Array.isArray(json) && json.length === 2 && json[0] === 'uuid' && typeof json[1] === 'string' && UUID.test(json[1])

function decodeAtom(type: AtomType, json: unknown): Atom {
  switch (type) {
    case 'string':
      return typeof json === 'string' ? json : bad('a string', json)
    case 'boolean':
      return typeof json === 'boolean' ? json : bad('a boolean', json)
    case 'real':
      return typeof json === 'number' ? json : bad('a number', json)
    case 'integer':
      return typeof json === 'number' && Number.isInteger(json) ? json : bad('an integer', json)
    case 'uuid':
      return isUuid(json) ? json[1] : bad('a uuid', json)
  }
}

function bad(expected: string, json: unknown): never {
  throw new CrossportError('OVSDB_PROTOCOL', `ovsdb value: expected ${expected}, got ${textOf(json).slice(0, 80)}`)
}
