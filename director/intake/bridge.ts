import type { Log } from '../../shared/log.ts'
import { PORT } from '../../shared/openflow/types.ts'
import { connectOvsdb, type OvsdbClient } from '../../shared/ovsdb/connection.ts'
import { waitsForFlows } from '../../shared/ovsdb/flow-restore-wait.ts'
import { monitorTables } from '../../shared/ovsdb/monitor.ts'
import type { Replica } from '../../shared/ovsdb/replica.ts'
import { map, optional, scalar, set } from '../../shared/ovsdb/values.ts'
import type { Clock } from '../../shared/run/clock.ts'

/** The bridge that the director works on, as OVSDB has it. */
export interface BridgeView {
  /** Hardware address of the bridge's own port, lower case; undefined until vswitchd has made it. */
  readonly mac: string | undefined
  /** `netdev` or `system`. */
  readonly datapathType: string
  /** OpenFlow port number of the uplink; undefined while it has none. */
  readonly uplink: number | undefined
  /** Its ports that are in a VLAN, by number; not the uplink. */
  readonly accessPorts: readonly { readonly ofport: number; readonly tag: number }[]
  /** vswitchd forwards nothing until its flows are restored (ovs-vswitchd.conf.db(5), flow-restore-wait). Absent: no. */
  readonly flowRestoreWait?: boolean
}

export interface BridgeProblem {
  /** What is not there: the database, the bridge in it, or the uplink of the bridge. */
  readonly missing: 'database' | 'bridge' | 'uplink'
  /** In words for the operator. */
  readonly message: string
}

export interface BridgeWatch {
  /** The newest; keeps its last value while ovsdb-server is away. Undefined: no such bridge, or not read yet. */
  readonly view: BridgeView | undefined
  /** Why `view` cannot be relied on; undefined when it can. */
  readonly problem: BridgeProblem | undefined
  readonly client: OvsdbClient
  close(): void
}

const TABLES = {
  Open_vSwitch: { other_config: map('string', 'string') },
  Bridge: { name: scalar('string'), datapath_type: scalar('string'), ports: set('uuid') },
  Port: { interfaces: set('uuid'), tag: optional('integer'), vlan_mode: optional('string') },
  Interface: { name: scalar('string'), ofport: optional('integer'), mac_in_use: optional('string') },
} as const

/** The bridge's own port, as the database numbers it. */
const OVSDB_LOCAL = 0xfffe

function accessPorts(replica: Replica<typeof TABLES>, ports: Iterable<string>): BridgeView['accessPorts'] {
  const found = [...ports].flatMap(uuid => {
    const { tag, vlan_mode, interfaces } = replica.Port.get(uuid) ?? {}
    // A trunk ignores its tag; without vlan_mode a tag makes an access port.
    if (tag === undefined || vlan_mode === 'trunk') return []
    return [...(interfaces ?? [])].flatMap(id => {
      const ofport = replica.Interface.get(id)?.ofport
      if (ofport === undefined || ofport <= 0) return []
      return [{ ofport: ofport === OVSDB_LOCAL ? PORT.LOCAL : ofport, tag }]
    })
  })
  return found.sort((a, b) => a.ofport - b.ofport)
}

/** By name, of the bridge's own ports: a port of another bridge is of no use here. */
function interfacesOf(replica: Replica<typeof TABLES>, ports: Iterable<string>) {
  const rows = [...ports].flatMap(port =>
    [...(replica.Port.get(port)?.interfaces ?? [])].flatMap(uuid => replica.Interface.get(uuid) ?? []),
  )
  return new Map(rows.map(row => [row.name, row]))
}

export interface WatchBridgeOptions {
  readonly socket: string
  readonly bridge: string
  /** Name of the port to the fabric. */
  readonly uplink: string
  readonly log: Log
  readonly clock: Clock
  /** Marks the loop dirty; does no I/O. */
  onChange(): void
}

/** Follows the bridge in OVSDB through restarts of ovsdb-server, until `close`. */
export function watchBridge(options: WatchBridgeOptions): BridgeWatch {
  const { socket, bridge, uplink, log, clock, onChange } = options
  let view: BridgeView | undefined
  let problem: BridgeProblem | undefined = { missing: 'database', message: `connecting to ${socket}` }
  const client = connectOvsdb({ socket, log, clock })
  const stop = monitorTables({
    client,
    database: 'Open_vSwitch',
    tables: TABLES,
    log,
    onChange: replica => {
      const row = replica.Bridge.values().find(({ name }) => name === bridge)
      const interfaces = interfacesOf(replica, row?.ports ?? [])
      const ofport = interfaces.get(uplink)?.ofport
      const before = JSON.stringify([view, problem])
      if (row !== undefined) {
        view = {
          mac: interfaces.get(bridge)?.mac_in_use?.toLowerCase(),
          datapathType: row.datapath_type === '' ? 'system' : row.datapath_type,
          // -1: the switch could not add the port.
          uplink: ofport === undefined || ofport < 0 ? undefined : ofport,
          accessPorts: accessPorts(replica, row.ports).filter(port => port.ofport !== ofport),
          ...(waitsForFlows(replica) ? { flowRestoreWait: true } : {}),
        }
      }
      problem = missing(row !== undefined, view)
      if (JSON.stringify([view, problem]) !== before) onChange()
    },
    onLost: reason => {
      problem = { missing: 'database', message: reason }
      onChange()
    },
  })
  const missing = (found: boolean, seen: BridgeView | undefined): BridgeProblem | undefined => {
    if (!found) return { missing: 'bridge', message: `no bridge ${bridge} in the database at ${socket}` }
    if (seen?.mac === undefined) return { missing: 'bridge', message: `bridge ${bridge} has no hardware address yet` }
    if (seen.uplink !== undefined) return undefined
    return { missing: 'uplink', message: `the uplink ${uplink} is no working port of bridge ${bridge}` }
  }
  return {
    get view() {
      return view
    },
    get problem() {
      return problem
    },
    client,
    close: () => {
      stop()
      client.close()
    },
  }
}
