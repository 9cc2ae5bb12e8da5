import { CrossportError } from '../errors.ts'
import { applyDifference, type Column, decode } from './values.ts'

export type Columns = { readonly [column: string]: Column<unknown> }
/** What to follow: tables with their columns and the columns' types. */
export type Tables = { readonly [table: string]: Columns }

export type Row<C extends Columns> = { readonly [K in keyof C]: C[K] extends Column<infer T> ? T : never }
/** Rows by UUID. A changed row is replaced by a new object; the maps are changed in place. */
export type Replica<T extends Tables> = { readonly [N in keyof T]: ReadonlyMap<string, Row<T[N]>> }

/** How updates are written, which differs between monitor, monitor_cond and monitor_cond_since. */
export type UpdateForm = 'whole-rows' | 'differences'

type AnyRow = Readonly<Record<string, unknown>>
type MutableReplica = Record<string, Map<string, AnyRow>>

export function emptyReplica<T extends Tables>(tables: T): Replica<T> {
  const replica: MutableReplica = {}
  for (const name of Object.keys(tables)) replica[name] = new Map()
  return replica as unknown as Replica<T>
}

/**
 * Applies one notification or first answer: <table-updates> of RFC 7047 section 4.1.6 or <table-updates2> of ovsdb-server(7).
 * Throws OVSDB_PROTOCOL when it does not fit the replica, which is unusable then; the monitor must start again.
 */
export function applyUpdates<T extends Tables>(
  tables: T,
  replica: Replica<T>,
  form: UpdateForm,
  updates: unknown,
): void {
  for (const [name, rows] of Object.entries(record(updates, 'updates'))) {
    const columns = Object.hasOwn(tables, name) ? tables[name] : undefined
    if (columns === undefined) throw lost(`an update of table ${name}, which was not asked for`)
    const table = (replica as unknown as MutableReplica)[name]!
    for (const [uuid, update] of Object.entries(record(rows, name))) {
      const apply = form === 'differences' ? applyDifferenceUpdate : applyWholeUpdate
      apply(columns, table, uuid, record(update, `${name} ${uuid}`))
    }
  }
}

/** An `insert` may also concern a known row: it carries all columns. */
function applyDifferenceUpdate(columns: Columns, table: Map<string, AnyRow>, uuid: string, update: AnyRow): void {
  const whole = update.initial ?? update.insert
  if (whole !== undefined) {
    table.set(uuid, decodeRow(columns, record(whole, uuid)))
  } else if (update.modify !== undefined) {
    const old = table.get(uuid)
    if (old === undefined) throw lost(`a change of row ${uuid}, which is not known`)
    table.set(uuid, changeRow(columns, old, record(update.modify, uuid)))
  } else if ('delete' in update) {
    if (!table.delete(uuid)) throw lost(`the removal of row ${uuid}, which is not known`)
  } else {
    throw lost(`an update of row ${uuid} of unknown kind`)
  }
}

/** RFC 7047: `new` holds every requested column, `old` only those that have changed. */
function applyWholeUpdate(columns: Columns, table: Map<string, AnyRow>, uuid: string, update: AnyRow): void {
  if (update.new !== undefined) table.set(uuid, decodeRow(columns, record(update.new, uuid)))
  else if (!table.delete(uuid)) throw lost(`the removal of row ${uuid}, which is not known`)
}

function decodeRow(columns: Columns, json: AnyRow): AnyRow {
  const row: Record<string, unknown> = {}
  for (const [name, column] of Object.entries(columns)) {
    row[name] = Object.hasOwn(json, name) ? decode(column, json[name]) : column.initial
  }
  return row
}

function changeRow(columns: Columns, old: AnyRow, json: AnyRow): AnyRow {
  const row: Record<string, unknown> = { ...old }
  for (const [name, difference] of Object.entries(json)) {
    const column = Object.hasOwn(columns, name) ? columns[name] : undefined
    if (column !== undefined) row[name] = applyDifference(column, old[name], difference)
  }
  return row
}

function record(json: unknown, what: string): AnyRow {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw lost(`${what}: not an object`)
  return json as AnyRow
}

function lost(what: string): CrossportError {
  return new CrossportError('OVSDB_PROTOCOL', `ovsdb monitor: ${what}`)
}
