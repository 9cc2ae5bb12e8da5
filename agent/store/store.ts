import type { DesiredStore } from '../../shared/apply/saver.ts'
import type { ServiceSpec } from '../../shared/config/service.ts'
import { programIdentity } from '../../shared/run/program.ts'
import { openDatabase, stateWrite } from '../../shared/sqlite/open.ts'
import { type FileStore, openServiceFiles } from '../../shared/sqlite/service-files.ts'
import { openVipNumbers, type VipNumbers } from '../../shared/sqlite/vip-numbers.ts'
import type { Domain } from '../inventory/types.ts'
import { MIGRATIONS } from './schema.ts'
import { desiredTable, documentTable, guestTable, keyedTable, metaTable } from './tables.ts'
import type { Allocation, DirectorDocument, DirectorInfo, GuestRecords } from './types.ts'

/** The switch's answer to the newest change. */
export interface LastCommit {
  readonly at: string
  readonly flows: number
  /** Undefined: confirmed. */
  readonly error?: string
}

/** The agent's memory: everything that must survive a restart, so that the host can serve again without its director. */
export interface Store extends DesiredStore {
  director(): DirectorInfo | undefined
  setDirector(info: DirectorInfo): void
  /** All known directors, by address. */
  directors(): ReadonlyMap<string, DirectorInfo>
  setDirectors(directors: ReadonlyMap<string, DirectorInfo>): void
  /** Of each director, by address; one that has none is not there. */
  documents(): ReadonlyMap<string, readonly DirectorDocument[]>
  setDocuments(byDirector: ReadonlyMap<string, readonly DirectorDocument[]>): void
  /** Whose version was in force of services that directors disagree on: addresses by service. */
  contested(): Readonly<Record<string, string>>
  setContested(contested: Readonly<Record<string, string>>): void
  readonly serviceFiles: FileStore
  /** Those in force, of the host and the director together. */
  services(): readonly ServiceSpec[]
  /** By what differs: names of those that are gone, and those that are new or others. */
  changeServices(gone: readonly string[], come: readonly ServiceSpec[]): void
  domains(): readonly Domain[]
  setDomains(domains: readonly Domain[]): void
  allocations(): readonly Allocation[]
  setAllocations(allocations: readonly Allocation[]): void
  /** The same as a difference: removed keys, new numbers. */
  changeAllocations(gone: readonly string[], come: readonly Allocation[]): void
  readonly vipNumbers: VipNumbers
  /** Real servers that were ready, each with the run of its VM (libvirt's id). */
  readyRuns(): ReadonlyMap<string, number>
  /** Undefined: the real server is no longer ready. */
  changeReadyRuns(changes: ReadonlyMap<string, number | undefined>): void
  /** VMs' own addresses as last read, by `uuid/mac`. */
  ownAddresses(): Readonly<Record<string, string>>
  setOwnAddresses(addresses: Readonly<Record<string, string>>): void
  /** The same of all NICs on the bridge, all with their prefix lengths. */
  vmAddresses(): Readonly<Record<string, readonly string[]>>
  setVmAddresses(addresses: Readonly<Record<string, readonly string[]>>): void
  /** VIPs that are guarded: what a VM calls its own address later lifts no guard. */
  guardedVips(): readonly string[]
  setGuardedVips(vips: readonly string[]): void
  lastCommit(): LastCommit | undefined
  readonly guestRecords: GuestRecords
  close(): void
}

/**
 * Opens `path`; throws as openDatabase does. Every setter is one transaction, writes only what differs, and throws STORE_FAILED
 * or STATE_CORRUPT when it cannot write.
 */
export function openStore(path: string): Store {
  const db = openDatabase(path, MIGRATIONS)
  const meta = metaTable(db)
  const desired = desiredTable(db)
  const documents = documentTable(db)
  const files = openServiceFiles(db, 'service_files')
  const services = keyedTable<{ service: string; spec: string }>(db, 'services', ['service', 'spec'], 1)
  const domains = keyedTable<{ uuid: string; domain: string }>(db, 'domains', ['uuid', 'domain'], 1)
  const runs = keyedTable<{ key: string; run: number }>(db, 'ready_runs', ['key', 'run'], 1)
  const guests = guestTable(db)
  const vipNumbers = openVipNumbers(db)
  const allocations = keyedTable<AllocationRow>(db, 'real_servers', ['key', 'id', 'vip', 'protocol', 'ingress_port'], 1)
  const written = <A extends unknown[]>(write: (...args: A) => void) => stateWrite(path, write)
  const clearForeign = db.transaction((program: string) => {
    if (meta.get('desired-by') === program) return
    desired.clear()
    meta.set('desired-by', program)
  })
  // Another version of the program may have compiled other flows from the same input.
  written(clearForeign)(programIdentity())
  return {
    director: () => meta.get<DirectorInfo>('director'),
    setDirector: written(info => meta.set('director', info)),
    directors: () => new Map(meta.get<[string, DirectorInfo][]>('directors') ?? []),
    setDirectors: written(directors => meta.set('directors', [...directors])),
    documents: documents.all,
    setDocuments: written(documents.replace),
    contested: () => meta.get<Record<string, string>>('contested') ?? {},
    setContested: written(contested => meta.set('contested', contested)),
    serviceFiles: { load: files.load, save: written(files.save) },
    services: () => services.all().map(row => JSON.parse(row.spec) as ServiceSpec),
    changeServices: written((gone, come) =>
      services.change(
        gone.map(service => ({ service })),
        come.map(spec => ({ service: spec.service, spec: JSON.stringify(spec) })),
      ),
    ),
    domains: () => domains.all().map(row => JSON.parse(row.domain) as Domain),
    setDomains: written(list => domains.replace(list.map(d => ({ uuid: d.uuid, domain: JSON.stringify(d) })))),
    allocations: () => allocations.all().map(({ ingress_port, ...rest }) => ({ ...rest, ingressPort: ingress_port })),
    setAllocations: written(list => allocations.replace(list.map(allocationRow))),
    changeAllocations: written((gone, come) =>
      allocations.change(
        gone.map(key => ({ key })),
        come.map(allocationRow),
      ),
    ),
    vipNumbers: { ...vipNumbers, save: written(vipNumbers.save) },
    setDesired: written(desired.setDesired),
    keepDesired: written(desired.keepDesired),
    knownPrints: desired.knownPrints,
    readyRuns: () => new Map(runs.all().map(({ key, run }) => [key, run])),
    changeReadyRuns: written(changes => {
      const gone = [...changes].flatMap(([key, run]) => (run === undefined ? [{ key }] : []))
      const come = [...changes].flatMap(([key, run]) => (run === undefined ? [] : [{ key, run }]))
      runs.change(gone, come)
    }),
    ownAddresses: () => meta.get<Record<string, string>>('own-addresses') ?? {},
    setOwnAddresses: written(addresses => meta.set('own-addresses', addresses)),
    vmAddresses: () => meta.get<Record<string, readonly string[]>>('vm-addresses') ?? {},
    setVmAddresses: written(addresses => meta.set('vm-addresses', addresses)),
    guardedVips: () => meta.get<string[]>('guarded-vips') ?? [],
    setGuardedVips: written(vips => meta.set('guarded-vips', vips)),
    lastCommit: () => meta.get<LastCommit>('outcome'),
    setLastCommit: written(commit => meta.set('outcome', commit)),
    guestRecords: { list: guests.list, put: written(guests.put), remove: written(guests.remove) },
    close: () => db.close(),
  }
}

type AllocationRow = Omit<Allocation, 'ingressPort'> & { readonly ingress_port: number }

/** Only the table's columns, because the caller keeps these rows. */
function allocationRow({ key, id, vip, protocol, ingressPort }: Allocation): AllocationRow {
  return { key, id, vip, protocol, ingress_port: ingressPort }
}
