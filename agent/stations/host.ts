import type { Director, HostContext, VmPort } from '../compile/types.ts'
import type { AgentConfig } from '../config/schema.ts'
import type { Directors } from '../directors.ts'
import type { Inputs } from '../inputs.ts'
import { type HostOverlay, overlayContext } from '../overlay.ts'
import type { PortsSnapshot } from '../ports/types.ts'
import { indexPorts, type PortIndex } from '../real-servers/attach.ts'

export type HostConfig = Pick<AgentConfig, 'hostMac' | 'uplink'>

/** The host as the compiler knows it, and its VMs' ports. */
export interface HostState {
  readonly host: Omit<HostContext, 'probing'>
  readonly ports: PortIndex
}

/** Throws while the host cannot be described: it has no hardware address yet, or no tunnel port. */
export function createHostState(config: HostConfig, overlay: HostOverlay | undefined) {
  let last: { readonly of: PortsSnapshot; readonly ports: PortIndex; readonly vmPorts: readonly VmPort[] } | undefined

  const plugged = (snapshot: PortsSnapshot) => {
    if (last?.of === snapshot) return last
    const ports = indexPorts(snapshot)
    // Two VMs may have one hardware address, in networks that are kept apart: each port is guarded.
    const vmPorts = snapshot.ports.flatMap(({ name, attachedMac: mac, ofport, tag }) =>
      mac !== undefined && ofport !== undefined && ofport > 0 ? [{ name, mac, ofport, tag }] : [],
    )
    last = { of: snapshot, ports, vmPorts }
    return last
  }

  return (inputs: Inputs): HostState => {
    const { ports, vmPorts } = plugged(inputs.ports)
    const hostMac = config.hostMac ?? inputs.ports.bridge?.mac
    if (hostMac === undefined) throw new Error('the bridge has no hardware address yet')
    const { ofport: uplink, tag: uplinkTag } = inputs.ports.ports.find(({ name }) => name === config.uplink) ?? {}
    const host = {
      hostMac,
      directorMac: inputs.directors.active?.mac,
      directors: directorsOf(inputs.directors),
      uplink,
      uplinkTag,
      vmPorts,
      overlay: overlayContext(overlay, inputs),
    }
    return { host, ports }
  }
}

/** Those that hear of connections; a director that was put in another's place at one address has its own R or the same. */
function directorsOf({ all }: Directors): readonly Director[] {
  const byRecallMac = new Map<string, Director>()
  for (const { mac, recallMac, hostIp } of all.values())
    if (recallMac !== undefined) byRecallMac.set(recallMac, { mac, recallMac, hostIp })
  return [...byRecallMac.values()].sort((a, b) => (a.recallMac < b.recallMac ? -1 : 1))
}
