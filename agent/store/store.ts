import { type Database, openDatabase } from '../../shared/sqlite/open.ts'
import type { Allocation } from '../backends/types.ts'
import type { GuestRecord, GuestRecords } from '../guest/types.ts'
import type { Domain } from '../inventory/types.ts'
import type { DirectorDocument, DirectorInfo } from '../report/types.ts'
import { MIGRATIONS } from './schema.ts'

/** What the switch said to the newest change. */
export interface Outcome {
  readonly at: string
  readonly flows: number
  /** Undefined: confirmed. */
  readonly error?: string
}

/** The agent's memory: everything that must survive it, so that a host needs nobody to come back. */
export interface Store {
  director(): DirectorInfo | undefined
  setDirector(info: DirectorInfo): void
  documents(): readonly DirectorDocument[]
  setDocuments(documents: readonly DirectorDocument[]): void
  serviceFiles(): ReadonlyMap<string, string>
  setServiceFiles(files: ReadonlyMap<string, string>): void
  domains(): readonly Domain[]
  setDomains(domains: readonly Domain[]): void
  allocations(): readonly Allocation[]
  setAllocations(allocations: readonly Allocation[]): void
  /** Replaces the desired flows (ovs-ofctl notation) of the objects named; an empty list removes the object. */
  setDesired(changed: ReadonlyMap<string, readonly string[]>): void
  desiredObjects(): ReadonlySet<string>
  /** Real servers that were ready, and in which run of their VM (libvirt's id). */
  readyRuns(): Readonly<Record<string, number>>
  setReadyRuns(runs: Readonly<Record<string, number>>): void
  /** VMs' own addresses as last read, by `uuid/mac`. */
  ownAddresses(): Readonly<Record<string, string>>
  setOwnAddresses(addresses: Readonly<Record<string, string>>): void
  outcome(): Outcome | undefined
  setOutcome(outcome: Outcome): void
  readonly guestRecords: GuestRecords
  close(): void
}

/** Opens `path`; errors as of openDatabase. Every setter is one transaction and writes only what differs. */
export function openStore(path: string): Store {
  const db = openDatabase(path, MIGRATIONS)
  const meta = metaTable(db)
  const desired = desiredTable(db)
  const documents = keyedTable<DirectorDocument>(db, 'director_documents', ['file', 'line', 'text'], 2)
  const files = keyedTable<{ file: string; text: string }>(db, 'service_files', ['file', 'text'], 1)
  const domains = keyedTable<{ uuid: string; domain: string }>(db, 'domains', ['uuid', 'domain'], 1)
  const allocations = keyedTable<Allocation & { ingress_port: number }>(
    db,
    'real_servers',
    ['key', 'id', 'vip', 'protocol', 'ingress_port'],
    1,
  )
  return {
    director: () => meta.get<DirectorInfo>('director'),
    setDirector: info => meta.set('director', info),
    documents: documents.all,
    setDocuments: documents.replace,
    serviceFiles: () => new Map(files.all().map(row => [row.file, row.text])),
    setServiceFiles: map => files.replace([...map].map(([file, text]) => ({ file, text }))),
    domains: () => domains.all().map(row => JSON.parse(row.domain) as Domain),
    setDomains: list => domains.replace(list.map(d => ({ uuid: d.uuid, domain: JSON.stringify(d) }))),
    allocations: () => allocations.all().map(({ ingress_port, ...rest }) => ({ ...rest, ingressPort: ingress_port })),
    setAllocations: list => allocations.replace(list.map(a => ({ ...a, ingress_port: a.ingressPort }))),
    setDesired: desired.set,
    desiredObjects: desired.objects,
    readyRuns: () => meta.get<Record<string, number>>('ready') ?? {},
    setReadyRuns: runs => meta.set('ready', runs),
    ownAddresses: () => meta.get<Record<string, string>>('own-addresses') ?? {},
    setOwnAddresses: addresses => meta.set('own-addresses', addresses),
    outcome: () => meta.get<Outcome>('outcome'),
    setOutcome: outcome => meta.set('outcome', outcome),
    guestRecords: guestTable(db),
    close: () => db.close(),
  }
}

function metaTable(db: Database) {
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

/** A table that mirrors a list: `replace` deletes and writes only the rows that differ. The first `keys` columns are the key. */
function keyedTable<Row extends object>(db: Database, table: string, columns: readonly string[], keys: number) {
  const names = columns.join(', ')
  const keyNames = columns.slice(0, keys)
  const select = db.prepare(`SELECT ${names} FROM ${table}`)
  const put = db.prepare(`INSERT INTO ${table} (${names}) VALUES (${columns.map(c => `@${c}`).join(', ')})`)
  const remove = db.prepare(`DELETE FROM ${table} WHERE ${keyNames.map(c => `${c} = @${c}`).join(' AND ')}`)
  const text = (row: object) => JSON.stringify(columns.map(c => (row as Record<string, unknown>)[c]))
  let known: Map<string, Row> | undefined
  const load = () => (known ??= new Map((select.all() as Row[]).map(row => [text(row), row])))
  const replace = db.transaction((rows: readonly Row[]) => {
    const before = load()
    const after = new Map(rows.map(row => [text(row), row]))
    // Deletions first: a row may take over another's unique number.
    for (const [t, row] of before) if (!after.has(t)) remove.run(row)
    for (const [t, row] of after) if (!before.has(t)) put.run(row)
    return after
  })
  return {
    all: () => select.all() as Row[],
    replace: (rows: readonly Row[]) => {
      known = replace(rows)
    },
  }
}

function desiredTable(db: Database) {
  const objects = db.prepare('SELECT object FROM desired_objects').pluck()
  const clear = db.prepare('DELETE FROM desired_objects WHERE object = ?')
  const put = db.prepare('INSERT OR REPLACE INTO desired_objects (object, flows) VALUES (?, ?)')
  return {
    objects: () => new Set(objects.all() as string[]),
    set: db.transaction((changed: ReadonlyMap<string, readonly string[]>) => {
      for (const [object, flows] of changed) {
        if (flows.length === 0) clear.run(object)
        else put.run(object, flows.join('\n'))
      }
    }) as (changed: ReadonlyMap<string, readonly string[]>) => void,
  }
}

interface GuestRow {
  readonly vm_uuid: string
  readonly mac: string
  readonly vip: string
  readonly nic: string
  readonly address_added: number
  readonly file: string | null
}

function guestTable(db: Database): GuestRecords {
  const select = db.prepare('SELECT * FROM guest_vips')
  const put = db.prepare(
    'INSERT OR REPLACE INTO guest_vips (vm_uuid, mac, vip, nic, address_added, file) VALUES (@vm_uuid, @mac, @vip, @nic, @address_added, @file)',
  )
  const remove = db.prepare('DELETE FROM guest_vips WHERE vm_uuid = ? AND mac = ? AND vip = ?')
  return {
    list: () =>
      (select.all() as GuestRow[]).map(row => ({
        vmUuid: row.vm_uuid,
        mac: row.mac,
        vip: row.vip,
        nicName: row.nic,
        addressAdded: row.address_added === 1,
        file: row.file ?? undefined,
      })),
    put: (record: GuestRecord) => {
      put.run({
        vm_uuid: record.vmUuid,
        mac: record.mac,
        vip: record.vip,
        nic: record.nicName,
        address_added: record.addressAdded ? 1 : 0,
        file: record.file ?? null,
      })
    },
    remove: (vmUuid, mac, vip) => {
      remove.run(vmUuid, mac, vip)
    },
  }
}
