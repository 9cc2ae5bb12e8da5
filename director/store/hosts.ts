import type { RealServerReport } from '../../shared/rpc/real-server.ts'
import type { Database } from '../../shared/sqlite/open.ts'
import type { Host } from '../registry/types.ts'

export type SavedHost = Omit<Host, 'leaseExpiresAt'>

/** The last registration of every host. */
export interface HostStore {
  load(): readonly SavedHost[]
  /** Writes the hosts that differ from what was saved, and removes those that are not there. One transaction. */
  save(hosts: Iterable<Host>): void
}

export function openHosts(db: Database): HostStore {
  const select = db.prepare('SELECT * FROM host ORDER BY seq')
  const put = db.prepare(
    `INSERT OR REPLACE INTO host (host_id, seq, state, host_mac, host_ip, version, real_servers)
     VALUES (@host_id, @seq, @state, @host_mac, @host_ip, @version, @real_servers)`,
  )
  const remove = db.prepare('DELETE FROM host WHERE host_id = ?')
  const saved = new Map((select.all() as Row[]).map(row => [row.host_id, row]))
  return {
    load: () => (select.all() as Row[]).map(fromRow),
    save: db.transaction((hosts: Iterable<Host>) => {
      const rows = new Map([...hosts].map(host => [host.hostId, toRow(host)]))
      for (const row of rows.values()) {
        if (JSON.stringify(saved.get(row.host_id)) === JSON.stringify(row)) continue
        put.run(row)
        saved.set(row.host_id, row)
      }
      for (const id of [...saved.keys()].filter(id => !rows.has(id))) {
        remove.run(id)
        saved.delete(id)
      }
    }),
  }
}

interface Row {
  host_id: string
  seq: number
  state: string
  host_mac: string
  host_ip: string
  version: string
  real_servers: string
}

function toRow(host: Host): Row {
  return {
    host_id: host.hostId,
    seq: host.seq,
    state: host.state,
    host_mac: host.hostMac,
    host_ip: host.hostIp,
    version: host.version,
    real_servers: JSON.stringify([...host.realServers.values()]),
  }
}

function fromRow(row: Row): SavedHost {
  const realServers = JSON.parse(row.real_servers) as RealServerReport[]
  return {
    hostId: row.host_id,
    seq: row.seq,
    state: row.state === 'lost' ? 'lost' : 'alive',
    hostMac: row.host_mac,
    hostIp: row.host_ip,
    version: row.version,
    realServers: new Map(realServers.map(rs => [rs.id, rs])),
  }
}
