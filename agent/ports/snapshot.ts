import type { PortReplica } from './tables.ts'
import type { BridgeInfo, BridgePort } from './types.ts'

/** The named bridge and its ports; no bridge and no ports when the database has no bridge of that name. */
export function describeBridge(
  replica: PortReplica,
  bridgeName: string,
): { readonly bridge: BridgeInfo | undefined; readonly ports: readonly BridgePort[] } {
  const bridge = replica.Bridge.values().find(row => row.name === bridgeName)
  if (bridge === undefined) return { bridge: undefined, ports: [] }
  const ports: BridgePort[] = []
  for (const portUuid of bridge.ports) {
    const port = replica.Port.get(portUuid)
    if (port === undefined) continue
    // A bond has several interfaces and one VLAN configuration.
    for (const interfaceUuid of port.interfaces) {
      const row = replica.Interface.get(interfaceUuid)
      if (row !== undefined) ports.push(describePort(port, row))
    }
  }
  ports.sort((a, b) => (a.name < b.name ? -1 : 1))
  return {
    bridge: {
      name: bridge.name,
      // LOCAL is the interface with the bridge's name.
      mac: ports.find(port => port.name === bridgeName)?.macInUse,
      datapathId: bridge.datapath_id,
      // '' stands for 'system', ovs-vswitchd.conf.db(5) "Bridge".
      datapathType: bridge.datapath_type === '' ? 'system' : bridge.datapath_type,
      failMode: bridge.fail_mode === 'standalone' || bridge.fail_mode === 'secure' ? bridge.fail_mode : undefined,
    },
    ports,
  }
}

type PortRow = PortReplica['Port'] extends ReadonlyMap<string, infer R> ? R : never
type InterfaceRow = PortReplica['Interface'] extends ReadonlyMap<string, infer R> ? R : never

function describePort(port: PortRow, row: InterfaceRow): BridgePort {
  return {
    name: row.name,
    ...(port.name === row.name ? {} : { bond: port.name }),
    // -1: the switch could not add the port; `error` says why.
    ofport: row.ofport === undefined || row.ofport < 0 ? undefined : row.ofport,
    type: row.type,
    attachedMac: row.external_ids.get('attached-mac')?.toLowerCase(),
    ifaceId: row.external_ids.get('iface-id'),
    vmId: row.external_ids.get('vm-id'),
    // A trunk ignores its tag. Without vlan_mode, a tag makes the port an access port.
    tag: port.vlan_mode === 'trunk' ? undefined : port.tag,
    trunks: [...port.trunks].sort((a, b) => a - b),
    macInUse: row.mac_in_use?.toLowerCase(),
    mtu: row.mtu,
    linkUp: row.link_state === undefined ? undefined : row.link_state === 'up',
    error: row.error,
  }
}
