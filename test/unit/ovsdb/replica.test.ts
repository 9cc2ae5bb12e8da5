import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import test from 'ava'
import { PORT_TABLES } from '../../../agent/ports/tables.ts'
import { applyUpdates, emptyReplica, type Replica, type Tables } from '../../../shared/ovsdb/replica.ts'
import { decode } from '../../../shared/ovsdb/values.ts'

interface Recorded {
  readonly method: 'monitor' | 'monitor_cond' | 'monitor_cond_since'
  readonly table: keyof typeof PORT_TABLES
  readonly answer: unknown
  readonly updates: readonly { readonly method: string; readonly params: readonly unknown[] }[]
}
type Dump = Record<string, { readonly headings: readonly string[]; readonly data: readonly (readonly unknown[])[] }>

const lines = readFileSync(new URL('vectors.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map(line => JSON.parse(line) as Recorded | { readonly dump: Dump } | { readonly note: string })
const records = lines.filter(line => 'method' in line)
const dumps = lines.filter(line => 'dump' in line).map(line => line.dump)

/** The rows as `ovsdb-client dump` printed them. */
function dumped(table: keyof typeof PORT_TABLES, dump: Dump) {
  const { headings, data } = dump[table]!
  const columns = PORT_TABLES[table] as Tables[string]
  return new Map(
    data.map(cells => {
      const row = Object.fromEntries(
        headings.slice(1).map((name, i) => [name, decode(columns[name]!, cells[i + 1])] as const),
      )
      return [(cells[0] as [string, string])[1], row]
    }),
  )
}

test('the recording is whole', t => {
  t.is(records.length, 9)
  t.is(dumps.length, 7)
})

for (const { method, table, answer, updates } of records) {
  test(`${method} of ${table}, as recorded, gives what was dumped after every step`, t => {
    const form = method === 'monitor' ? 'whole-rows' : 'differences'
    const tables = { [table]: PORT_TABLES[table] } as unknown as Tables
    const replica: Replica<Tables> = emptyReplica(tables)
    applyUpdates(tables, replica, form, method === 'monitor_cond_since' ? (answer as unknown[])[2] : answer)
    t.deepEqual(replica[table], dumped(table, dumps[0]!))
    t.is(updates.length, dumps.length - 1)
    updates.forEach(({ params }, i) => {
      applyUpdates(tables, replica, form, params.at(-1))
      t.true(isDeepStrictEqual(replica[table], dumped(table, dumps[i + 1]!)), `step ${i + 1}`)
    })
  })
}

const ID = '8f767797-82cb-49ec-972d-8826a81b85ec'
for (const [name, updates] of Object.entries({
  'another table': { Mirror: {} },
  'a prototype name': JSON.parse('{"__proto__":{}}'),
  'a change of an unknown row': { Bridge: { [ID]: { modify: { name: 'x' } } } },
  'the removal of an unknown row': { Bridge: { [ID]: { delete: null } } },
  'an unknown kind': { Bridge: { [ID]: { replace: {} } } },
  'rows that are an array': { Bridge: [] },
  'an update that is null': { Bridge: { [ID]: null } },
  'a row that is text': { Bridge: { [ID]: { insert: 'x' } } },
  'a value of the wrong type': { Bridge: { [ID]: { insert: { name: 7 } } } },
  nothing: null,
})) {
  test(`refuses ${name}`, t => {
    const replica = emptyReplica(PORT_TABLES)
    t.throws(() => applyUpdates(PORT_TABLES, replica, 'differences', updates), { code: 'OVSDB_PROTOCOL' })
  })
}
