import type { Database } from '../../shared/sqlite/open.ts'

/** Services in force that only hosts have: over a restart, too, a newcomer gives way to them. */
export interface HostServiceStore {
  /** Names by the services' keys. */
  load(): ReadonlyMap<string, string>
  /** Writes what differs. Undefined: it is none any more. */
  change(changes: ReadonlyMap<string, string | undefined>): void
}

export function openHostServices(db: Database): HostServiceStore {
  const rows = db.prepare('SELECT key, service FROM host_service').all() as { key: string; service: string }[]
  const saved = new Map(rows.map(({ key, service }) => [key, service]))
  const put = db.prepare('INSERT OR REPLACE INTO host_service (key, service) VALUES (?, ?)')
  const remove = db.prepare('DELETE FROM host_service WHERE key = ?')
  const write = db.transaction((changes: ReadonlyMap<string, string | undefined>) => {
    for (const [key, service] of changes) {
      if (service === undefined) remove.run(key)
      else put.run(key, service)
    }
  })
  return {
    load: () => new Map(saved),
    change: changes => {
      const different = new Map([...changes].filter(([key, service]) => saved.get(key) !== service))
      if (different.size === 0) return
      write(different)
      for (const [key, service] of different) {
        if (service === undefined) saved.delete(key)
        else saved.set(key, service)
      }
    },
  }
}
