import type { BridgePort, PortsSnapshot } from './types.ts'

/** The interfaces of the port to the fabric, which may be a bond. */
export function uplinkMembers({ ports }: Pick<PortsSnapshot, 'ports'>, uplink: string): readonly BridgePort[] {
  return ports.filter(({ name, bond }) => name === uplink || bond === uplink)
}

/** OpenFlow number of the named port; undefined while the switch has not opened it. */
export function ofportOf({ ports }: Pick<PortsSnapshot, 'ports'>, name: string): number | undefined {
  const { ofport } = ports.find(port => port.name === name) ?? {}
  return ofport !== undefined && ofport > 0 ? ofport : undefined
}
