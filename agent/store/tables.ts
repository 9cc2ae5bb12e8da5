import type { DesiredStore, SavedObject } from '../../shared/apply/saver.ts'
import type { KnownPrints } from '../../shared/flows/table.ts'
import type { Database } from '../../shared/sqlite/open.ts'
import type { DirectorDocument, GuestRecord, GuestRecords } from './types.ts'

export function metaTable(db: Database) {
  const get = db.prepare('SELECT value FROM meta WHERE key = ?').pluck()
  const set = db.prepare('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)')
  return {
    get: <T>(key: string): T | undefined => {
      const value = get.get(key) as string | undefined
      return value === undefined ? undefined : (JSON.parse(value) as T)
    },
    set: (key: string, value: unknown) => {
      set.run(key, JSON.stringify(value))
    },
  }
}

type Value = string | number

/** A table that holds a list. The first `keys` columns are the key. Only rows that differ are written. */
export function keyedTable<Row extends object>(db: Database, table: string, columns: readonly string[], keys: number) {
  const names = columns.join(', ')
  const keyNames = columns.slice(0, keys)
  const isKey = keyNames.map(c => `${c} = @${c}`).join(' AND ')
  const select = db.prepare(`SELECT ${names} FROM ${table}`)
  const selectOne = db.prepare(`SELECT ${names} FROM ${table} WHERE ${isKey}`)
  const put = db.prepare(`INSERT INTO ${table} (${names}) VALUES (${columns.map(c => `@${c}`).join(', ')})`)
  const remove = db.prepare(`DELETE FROM ${table} WHERE ${isKey}`)
  const column = (row: Row, name: string) => (row as Record<string, Value>)[name]
  const keyOf = (row: Row) => (keys === 1 ? column(row, columns[0]!)! : keyNames.map(c => column(row, c)).join('\0'))
  const same = (a: Row | undefined, b: Row) => a !== undefined && columns.every(c => column(a, c) === column(b, c))

  const write = db.transaction((gone: readonly Row[], come: readonly Row[]) => {
    // Deletions come first, because a new row may take over a deleted row's unique number.
    for (const row of gone) remove.run(row)
    for (const row of come) put.run(row)
  })
  /** Deletes `gone` and writes `come` over existing rows with the same keys. */
  const change = (gone: Row[], come: readonly Row[], there: (row: Row) => Row | undefined) => {
    const different = come.filter(row => {
      const before = there(row)
      if (same(before, row)) return false
      if (before !== undefined) gone.push(before)
      return true
    })
    if (gone.length + different.length > 0) write(gone, different)
  }
  return {
    all: () => select.all() as Row[],
    /** Deletes the rows with the keys of `gone`, then writes `come`. */
    change: (gone: readonly Partial<Row>[], come: readonly Row[]) =>
      change([...gone] as Row[], come, row => selectOne.get(row) as Row | undefined),
    replace: (list: readonly Row[]) => {
      const before = new Map((select.all() as Row[]).map(row => [keyOf(row), row]))
      const after = new Set(list.map(keyOf))
      const gone = [...before.values()].filter(row => !after.has(keyOf(row)))
      change(gone, list, row => before.get(keyOf(row)))
    },
  }
}

/** One row per object; its flows are one per line. */
export function desiredTable(db: Database) {
  const objects = db.prepare('SELECT object FROM desired_prints').pluck()
  const signature = db.prepare('SELECT signature FROM desired_prints WHERE object = ?').pluck()
  const prints = db.prepare(
    `SELECT group_concat(object || ' ' || signature || ' ' || hex(prints), '\n') FROM desired_prints`,
  )
  const tables = ['desired_objects', 'desired_prints']
  const removing = tables.map(table => db.prepare(`DELETE FROM ${table} WHERE object = ?`))
  const remove = (object: string) => {
    for (const one of removing) one.run(object)
  }
  const putFlows = db.prepare('INSERT OR REPLACE INTO desired_objects (object, flows) VALUES (?, ?)')
  const putPrints = db.prepare('INSERT OR REPLACE INTO desired_prints (object, signature, prints) VALUES (?, ?, ?)')
  return {
    clear: () => {
      for (const table of tables) db.exec(`DELETE FROM ${table}`)
    },
    setDesired: db.transaction((list: Iterable<SavedObject>) => {
      for (const saved of list) {
        if (signature.get(saved.object) === saved.signature) continue
        const { texts, prints } = saved.flows()
        if (texts.length === 0) remove(saved.object)
        else {
          putFlows.run(saved.object, texts.join('\n'))
          putPrints.run(saved.object, saved.signature, prints)
        }
      }
    }) as DesiredStore['setDesired'],
    keepDesired: db.transaction((has: (object: string) => boolean) => {
      for (const object of objects.all() as string[]) if (!has(object)) remove(object)
    }) as DesiredStore['keepDesired'],
    knownPrints: (): KnownPrints => {
      // One text for all rows, because separate rows with a buffer each would take several times as long.
      const lines = ((prints.pluck().get() as string | null) ?? '').split('\n')
      const found = new Map(lines.map(line => [line.slice(0, line.lastIndexOf(' ', line.lastIndexOf(' ') - 1)), line]))
      return (object, signature) => {
        const line = found.get(object)
        const start = object.length + signature.length + 2
        if (line?.startsWith(`${signature} `, object.length + 1) !== true) return undefined
        return Buffer.from(line.slice(start), 'hex')
      }
    },
  }
}

type DocumentRow = DirectorDocument & { readonly director: string }

/** The documents of each director, by its address. */
export function documentTable(db: Database) {
  const table = keyedTable<DocumentRow>(db, 'documents_by_director', ['director', 'file', 'line', 'text'], 3)
  return {
    all: (): ReadonlyMap<string, readonly DirectorDocument[]> => {
      const byDirector = Map.groupBy(table.all(), ({ director }) => director)
      return new Map([...byDirector].map(([director, rows]) => [director, rows.map(({ director: _, ...row }) => row)]))
    },
    replace: (byDirector: ReadonlyMap<string, readonly DirectorDocument[]>) =>
      table.replace(
        [...byDirector].flatMap(([director, list]) =>
          list.map(({ file, line, text }) => ({ director, file, line, text })),
        ),
      ),
  }
}

interface GuestRow {
  readonly vm_uuid: string
  readonly mac: string
  readonly vip: string
  readonly nic: string
  readonly address_added: number
  readonly edits: string
}

/** `list` is the same array until a record changes. */
export function guestTable(db: Database): GuestRecords {
  const select = db.prepare('SELECT * FROM guest_vips')
  const put = db.prepare(
    'INSERT OR REPLACE INTO guest_vips (vm_uuid, mac, vip, nic, address_added, edits) VALUES (@vm_uuid, @mac, @vip, @nic, @address_added, @edits)',
  )
  const remove = db.prepare('DELETE FROM guest_vips WHERE vm_uuid = ? AND mac = ? AND vip = ?')
  const name = (vmUuid: string, mac: string, vip: string) => `${vmUuid}/${mac}/${vip}`
  const records = new Map(
    (select.all() as GuestRow[]).map(row => [
      name(row.vm_uuid, row.mac, row.vip),
      {
        vmUuid: row.vm_uuid,
        mac: row.mac,
        vip: row.vip,
        nicName: row.nic,
        addressAdded: row.address_added === 1,
        edits: JSON.parse(row.edits) as GuestRecord['edits'],
      },
    ]),
  )
  let list: readonly GuestRecord[] | undefined
  return {
    list: () => (list ??= [...records.values()]),
    put: record => {
      put.run({
        vm_uuid: record.vmUuid,
        mac: record.mac,
        vip: record.vip,
        nic: record.nicName,
        address_added: record.addressAdded ? 1 : 0,
        edits: JSON.stringify(record.edits),
      })
      records.set(name(record.vmUuid, record.mac, record.vip), record)
      list = undefined
    },
    remove: (vmUuid, mac, vip) => {
      remove.run(vmUuid, mac, vip)
      records.delete(name(vmUuid, mac, vip))
      list = undefined
    },
  }
}
