import type { RealServerReport } from '../../shared/rpc/real-server.ts'
import { createPace } from '../../shared/run/pace.ts'
import type { Database } from '../../shared/sqlite/open.ts'
import type { Host } from '../registry/types.ts'

export type SavedHost = Omit<Host, 'leaseExpiresAt'>

/** The last registration of every host. */
export interface HostStore {
  load(): readonly SavedHost[]
  /**
   * Writes hosts and real servers that are new objects since the last call, and removes missing ones. It uses one transaction per
   * host and lets other work run in between. Do not call it again before it has resolved.
   */
  save(hosts: ReadonlyMap<string, SavedHost>): Promise<void>
}

/** Rows written at a time: some milliseconds. */
const ROWS_AT_ONCE = 1000

export function openHosts(db: Database): HostStore {
  const put = db.prepare(
    `INSERT INTO host (host_id, seq, state, host_mac, host_ip, version) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (host_id) DO UPDATE SET seq = excluded.seq, state = excluded.state, host_mac = excluded.host_mac,
       host_ip = excluded.host_ip, version = excluded.version`,
  )
  const remove = db.prepare('DELETE FROM host WHERE host_id = ?')
  const putOne = db.prepare('INSERT OR REPLACE INTO real_server (host_id, id, report) VALUES (?, ?, ?)')
  const removeOne = db.prepare('DELETE FROM real_server WHERE host_id = ? AND id = ?')

  const hosts = db.prepare('SELECT * FROM host ORDER BY seq').all() as HostRow[]
  const realServers = db.prepare('SELECT * FROM real_server ORDER BY host_id, id').all() as RealServerRow[]
  const byHost = Map.groupBy(realServers, row => row.host_id)
  const saved = new Map<string, SavedHost>(hosts.map(row => [row.host_id, fromRow(row, byHost.get(row.host_id) ?? [])]))

  /** Returns the number of rows written. */
  const write = db.transaction((host: SavedHost): number => {
    const { hostId, seq, state, hostMac, hostIp, version } = host
    put.run(hostId, seq, state, hostMac, hostIp, version)
    let rows = 1
    const before = saved.get(hostId)?.realServers
    if (before === host.realServers) return rows
    for (const id of before?.keys() ?? []) {
      if (host.realServers.has(id)) continue
      removeOne.run(hostId, id)
      rows++
    }
    for (const [id, rs] of host.realServers) {
      if (before?.get(id) === rs) continue
      putOne.run(hostId, id, JSON.stringify(rs))
      rows++
    }
    return rows
  })
  return {
    load: () => [...saved.values()],
    save: async next => {
      const pace = createPace(ROWS_AT_ONCE)
      for (const id of [...saved.keys()]) {
        if (next.has(id)) continue
        remove.run(id)
        saved.delete(id)
      }
      for (const host of next.values()) {
        if (isSaved(host, saved.get(host.hostId))) continue
        const rows = write(host)
        saved.set(host.hostId, host)
        await pace(rows)
      }
    },
  }
}

function isSaved(host: SavedHost, saved: SavedHost | undefined): boolean {
  return (
    saved !== undefined &&
    host.realServers === saved.realServers &&
    host.seq === saved.seq &&
    host.state === saved.state &&
    host.hostMac === saved.hostMac &&
    host.hostIp === saved.hostIp &&
    host.version === saved.version
  )
}

interface HostRow {
  readonly host_id: string
  readonly seq: number
  readonly state: string
  readonly host_mac: string
  readonly host_ip: string
  readonly version: string
}

interface RealServerRow {
  readonly host_id: string
  readonly id: string
  readonly report: string
}

function fromRow(row: HostRow, realServers: readonly RealServerRow[]): SavedHost {
  return {
    hostId: row.host_id,
    seq: row.seq,
    state: row.state === 'lost' ? 'lost' : 'alive',
    hostMac: row.host_mac,
    hostIp: row.host_ip,
    version: row.version,
    realServers: new Map(realServers.map(({ id, report }) => [id, JSON.parse(report) as RealServerReport])),
  }
}
