import { CrossportError } from '../errors.ts'
import type { OvsdbClient } from './connection.ts'
import { textOf } from './text.ts'

/** One operation of RFC 7047 section 5.2. Values in `row` and `where` are in the wire form: use `encode`, or these helpers. */
export type Operation = { readonly op: string } & { readonly [member: string]: unknown }

/** [column, function, value], RFC 7047 section 5.1. */
export type Condition = readonly [
  column: string,
  fn: '==' | '!=' | 'includes' | 'excludes' | '<' | '<=' | '>' | '>=',
  value: unknown,
]
export type Mutation = readonly [column: string, mutator: 'insert' | 'delete' | '+=' | '-=', value: unknown]
export type WireRow = { readonly [column: string]: unknown }

export const uuid = (id: string): unknown => ['uuid', id]
/** Refers to a row that an `insert` of the same transaction creates under this name. */
export const namedUuid = (name: string): unknown => ['named-uuid', name]
export const wireSet = (values: Iterable<unknown>): unknown => ['set', [...values]]
export const wireMap = (pairs: Iterable<readonly [unknown, unknown]>): unknown => ['map', [...pairs]]

export const select = (table: string, where: readonly Condition[], columns: readonly string[]): Operation => ({
  op: 'select',
  table,
  where,
  columns,
})
/**
 * `name`: see namedUuid. A row of a table that is not a root set is deleted unless another row of this transaction refers to it.
 */
export const insert = (table: string, row: WireRow, name?: string): Operation => ({
  op: 'insert',
  table,
  row,
  ...(name === undefined ? {} : { 'uuid-name': name }),
})
export const update = (table: string, where: readonly Condition[], row: WireRow): Operation => ({
  op: 'update',
  table,
  where,
  row,
})
export const mutate = (table: string, where: readonly Condition[], mutations: readonly Mutation[]): Operation => ({
  op: 'mutate',
  table,
  where,
  mutations,
})
export const remove = (table: string, where: readonly Condition[]): Operation => ({ op: 'delete', table, where })
/** Fails the transaction at once unless the rows have these values: the guard of a read-change-write. */
export const guardEqual = (table: string, where: readonly Condition[], row: WireRow): Operation => ({
  op: 'wait',
  table,
  where,
  columns: Object.keys(row),
  until: '==',
  rows: [row],
  timeout: 0,
})
export const comment = (text: string): Operation => ({ op: 'comment', comment: text })

/** Result of one operation: `uuid` of insert, `count` of update, mutate and delete, `rows` of select. */
export interface OperationResult {
  readonly uuid?: unknown
  readonly count?: number
  readonly rows?: readonly WireRow[]
}

/**
 * Makes all operations or none. The answer to a failed transaction is not a JSON-RPC error: the failed operation's result holds
 * the error, or one more result after the last when the commit failed (RFC 7047 section 4.1.3). It becomes OVSDB_TRANSACTION with
 * `fields.error` (the RFC's name), `fields.details` and `fields.operation` (index into `operations`; their number when the commit
 * failed).
 */
export async function transact(
  client: Pick<OvsdbClient, 'call'>,
  database: string,
  operations: readonly Operation[],
): Promise<readonly OperationResult[]> {
  return resultsOf(await client.call('transact', [database, ...operations]), operations)
}

/** Checks the answer to a transaction. Throws OVSDB_TRANSACTION as above, OVSDB_PROTOCOL. */
export function resultsOf(results: unknown, operations: readonly Operation[]): readonly OperationResult[] {
  if (!Array.isArray(results)) throw new CrossportError('OVSDB_PROTOCOL', 'ovsdb transact: the answer is not an array')
  results.forEach((result: unknown, index) => {
    const { error, details } = (result ?? {}) as { error?: unknown; details?: unknown }
    if (error === undefined || error === null) return
    const where = index < operations.length ? `operation ${index} (${operations[index]!.op})` : 'commit'
    throw new CrossportError(
      'OVSDB_TRANSACTION',
      `ovsdb transaction: ${where}: ${textOf(error)}${details === undefined ? '' : `: ${textOf(details)}`}`,
      { fields: { error: textOf(error), details: textOf(details ?? ''), operation: index } },
    )
  })
  if (results.length < operations.length) {
    throw new CrossportError('OVSDB_PROTOCOL', 'ovsdb transact: fewer results than operations')
  }
  if (!results.every(isResult)) throw new CrossportError('OVSDB_PROTOCOL', 'ovsdb transact: a result that is none')
  return results
}

/** The values of columns are checked when they are decoded. */
function isResult(json: unknown): json is OperationResult {
  if (!isObject(json)) return false
  const { count, rows } = json
  return (
    (count === undefined || typeof count === 'number') &&
    (rows === undefined || (Array.isArray(rows) && rows.every(isObject)))
  )
}

function isObject(json: unknown): json is Record<string, unknown> {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}
