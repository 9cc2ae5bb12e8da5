import type { Log } from '../../shared/log.ts'
import { connectOvsdb, type OvsdbClient } from '../../shared/ovsdb/connection.ts'
import { waitsForFlows } from '../../shared/ovsdb/flow-restore-wait.ts'
import { monitorTables } from '../../shared/ovsdb/monitor.ts'
import type { Clock } from '../../shared/run/clock.ts'
import { describeBridge } from './snapshot.ts'
import { PORT_TABLES, type PortReplica } from './tables.ts'
import type { PortsSnapshot } from './types.ts'

export interface WatchPortsOptions {
  /** ovsdb-server's unix socket; default /var/run/openvswitch/db.sock */
  readonly socket?: string
  readonly bridge: string
  readonly log: Log
  readonly clock: Clock
  /** Called with each new snapshot; never before `watchPorts` has returned, nor after `close`. */
  onChange(snapshot: PortsSnapshot): void
}

export interface PortWatch {
  snapshot(): PortsSnapshot
  readonly client: OvsdbClient
  close(): void
}

const DEFAULT_SOCKET = '/var/run/openvswitch/db.sock'

/** Follows one bridge in OVSDB, through restarts of ovsdb-server, until `close`. */
export function watchPorts(options: WatchPortsOptions): PortWatch {
  const { socket = DEFAULT_SOCKET, bridge, log, clock } = options
  let snapshot: PortsSnapshot = { synced: false, reason: `connecting to ${socket}`, bridge: undefined, ports: [] }
  let changed: PortReplica | undefined
  let closed = false

  const publish = (next: PortsSnapshot) => {
    snapshot = next
    options.onChange(next)
  }
  // Several transactions often arrive in one read (a VM with many NICs, a boot of many VMs); they make one snapshot.
  const flush = () => {
    if (closed || changed === undefined) return
    const replica = changed
    changed = undefined
    publish(keepSame(describe(replica, bridge, socket), snapshot))
  }

  const client = connectOvsdb({ socket, log, clock })
  const stop = monitorTables({
    client,
    database: 'Open_vSwitch',
    tables: PORT_TABLES,
    log,
    onChange: replica => {
      if (changed === undefined) queueMicrotask(flush)
      changed = replica
    },
    onLost: reason => {
      changed = undefined
      const { reason: before, ...last } = snapshot
      // The connection is tried many times a second and fails with the same message, which is published once.
      if (!closed && (snapshot.synced || before !== reason)) publish({ ...last, synced: false, reason })
    },
  })

  return {
    snapshot: () => snapshot,
    client,
    close: () => {
      closed = true
      stop()
      client.close()
    },
  }
}

/** Keeps unchanged ports as the same objects, so that nothing that depends on them is calculated anew. */
function keepSame(next: PortsSnapshot, before: PortsSnapshot): PortsSnapshot {
  const known = new Map(before.ports.map(port => [port.name, port]))
  const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b)
  return { ...next, ports: next.ports.map(port => (same(port, known.get(port.name)) ? known.get(port.name)! : port)) }
}

function describe(replica: PortReplica, bridge: string, socket: string): PortsSnapshot {
  const waiting = waitsForFlows(replica) ? { flowRestoreWait: true } : {}
  const described = { ...describeBridge(replica, bridge), ...waiting }
  if (described.bridge !== undefined) return { synced: true, ...described }
  return { synced: true, reason: `no bridge ${bridge} in the database at ${socket}`, ...described }
}
