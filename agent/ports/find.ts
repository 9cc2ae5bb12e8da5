import type { PortsSnapshot } from './types.ts'

/** OpenFlow number of the named port; undefined while the switch has not opened it. */
export function ofportOf({ ports }: Pick<PortsSnapshot, 'ports'>, name: string): number | undefined {
  const { ofport } = ports.find(port => port.name === name) ?? {}
  return ofport !== undefined && ofport > 0 ? ofport : undefined
}
