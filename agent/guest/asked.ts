import type { Domain } from '../inventory/types.ts'
import type { PortIndex } from '../real-servers/attach.ts'
import type { GuestTarget } from './types.ts'

/** Targets of VMs that are only to tell their addresses: one for each NIC that is plugged into the bridge. */
export function askedTargets(domains: readonly Domain[], ports: PortIndex): readonly GuestTarget[] {
  return domains.flatMap(({ uuid, name, runId, state, agentChannel, nics }) =>
    nics
      .filter(({ mac }) => ports.has(mac))
      .map(({ mac }) => ({
        vmUuid: uuid,
        vmName: name,
        runId,
        running: state === 'running',
        agentChannel,
        mac,
        vips: [],
      })),
  )
}
