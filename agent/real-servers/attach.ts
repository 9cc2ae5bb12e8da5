import type { Domain } from '../inventory/types.ts'
import type { BridgePort, PortsSnapshot } from '../ports/types.ts'
import type { Attachment } from './types.ts'

/**
 * Joins libvirt's NICs with OVSDB's ports by hardware address: the name vnetN changes with every start, `attached-mac` does not.
 * The first NIC (in XML order) that is plugged into the bridge serves. A paused VM is attached too: during a live migration the
 * VM waits in that state for its memory, and announces its addresses, the VIP among them, as soon as it runs.
 */
export function attach(domain: Domain, ports: PortIndex): Attachment | { readonly obstacle: string } {
  let pending: BridgePort | undefined
  for (const nic of domain.nics) {
    const port = ports.get(nic.mac)
    if (port === undefined || (port.vmId !== undefined && port.vmId !== domain.uuid)) continue
    if (port.ofport !== undefined && port.ofport > 0) {
      return { mac: nic.mac, port: port.name, ofport: port.ofport, tag: port.tag }
    }
    pending = port
  }
  if (pending !== undefined) {
    return { obstacle: `Open vSwitch has not opened port ${pending.name}${pending.error ? `: ${pending.error}` : ''}` }
  }
  const macs = domain.nics.map(nic => nic.mac).join(', ')
  return { obstacle: macs === '' ? 'the VM has no NIC' : `no NIC of the VM (${macs}) is plugged into the bridge` }
}

/** Why a VM cannot serve, whether it is attached or not. */
export function stateObstacle({ state }: Domain): string | undefined {
  return state === 'running' ? undefined : `the VM is ${STATE_WORDS[state]}`
}

/**
 * Reports a port whose link is down, which shows that QEMU has died where libvirt says nothing. The flows stay, because they do
 * no harm.
 */
export function linkObstacle({ mac, port }: Attachment, ports: PortIndex): string | undefined {
  return ports.get(mac)?.linkUp === false ? `the link of the VM's port ${port} is down` : undefined
}

const STATE_WORDS = {
  running: 'running',
  paused: 'paused',
  shutoff: 'shut off',
  crashed: 'crashed',
  suspended: 'suspended',
  other: 'not running',
} as const

/** VM ports by hardware address. */
export type PortIndex = ReadonlyMap<string, BridgePort>

export function indexPorts(snapshot: PortsSnapshot): PortIndex {
  const known = indexes.get(snapshot)
  if (known !== undefined) return known
  const index = new Map<string, BridgePort>()
  for (const port of snapshot.ports) {
    if (port.attachedMac !== undefined) index.set(port.attachedMac, port)
  }
  indexes.set(snapshot, index)
  return index
}

/** Several stations of one pass look up the same snapshot. */
const indexes = new WeakMap<PortsSnapshot, PortIndex>()
