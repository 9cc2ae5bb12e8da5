import { CrossportError } from '../errors.ts'
import type { Tables } from './replica.ts'
import type { Column } from './values.ts'

/**
 * The part of `tables` that this server's schema has (the answer to get_schema, RFC 7047 section 3.2). Columns that an older or
 * newer Open vSwitch lacks keep their default and are listed in `missing`. Throws OVSDB_SCHEMA where a column has another type
 * than declared.
 */
export function matchSchema(
  tables: Tables,
  schema: unknown,
): { readonly columns: Readonly<Record<string, readonly string[]>>; readonly missing: readonly string[] } {
  const columns: Record<string, string[]> = {}
  const missing: string[] = []
  for (const [table, declared] of Object.entries(tables)) {
    const there = member(member(member(schema, 'tables'), table), 'columns')
    if (there === undefined) {
      missing.push(table)
      continue
    }
    columns[table] = []
    for (const [name, column] of Object.entries(declared)) {
      const type = member(member(there, name), 'type')
      if (type === undefined) missing.push(`${table}.${name}`)
      else if (fits(column, type)) columns[table].push(name)
      else
        throw new CrossportError('OVSDB_SCHEMA', `ovsdb: column ${table}.${name} is not of the type that was expected`)
    }
  }
  return { columns, missing }
}

/** <type> of RFC 7047 section 3.2: an atomic type by name, or an object with key, value, min (1) and max (1). */
function fits(column: Column, type: unknown): boolean {
  if (typeof type === 'string') return column.shape === 'scalar' && type === column.key
  if (typeof type !== 'object' || type === null) return false
  const { key, value, min = 1, max = 1 } = type as Record<string, unknown>
  const shape = value !== undefined ? 'map' : max !== 1 ? 'set' : min === 0 ? 'optional' : 'scalar'
  return shape === column.shape && atomType(key) === column.key && atomType(value) === column.value
}

function atomType(base: unknown): unknown {
  return typeof base === 'object' && base !== null ? (base as { type?: unknown }).type : base
}

function member(json: unknown, name: string): unknown {
  return typeof json === 'object' && json !== null && Object.hasOwn(json, name)
    ? (json as Record<string, unknown>)[name]
    : undefined
}
