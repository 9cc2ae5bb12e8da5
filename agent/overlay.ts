import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { OVERHEAD, type OverlayConfig, overlayOf } from '../shared/config/overlay.ts'
import { CrossportError } from '../shared/errors.ts'
import type { InputCells } from './cells.ts'
import { toTunnel } from './compile/features/overlay.ts'
import type { OverlayContext } from './compile/types.ts'
import type { AgentConfig } from './config/schema.ts'
import { findHostIp } from './host.ts'
import { type Directors, type Inputs, type TunnelState, tunnelOfport } from './inputs.ts'
import type { PortsSnapshot } from './ports/types.ts'

/** This host's end of the overlay, as configured. */
export interface HostOverlay extends OverlayConfig {
  /** Name of the tunnel port. */
  readonly tunnel: string
  readonly hostIp: string
  /** Table of a network controller that forwards. */
  readonly forwardTable: number | undefined
}

/** Throws CONFIG_INVALID where the host's underlay address is neither configured nor found. */
export async function hostOverlay(config: AgentConfig): Promise<HostOverlay | undefined> {
  const overlay = overlayOf(config)
  if (overlay === undefined) return undefined
  const hostIp = config.hostIp ?? (await findHostIp(config.bridge, config.director[0]))
  if (hostIp === undefined)
    throw new CrossportError(
      'CONFIG_INVALID',
      'fabric: overlay needs hostIp: no address of this host in the underlay is found',
    )
  return { ...overlay, tunnel: config.uplink, hostIp, forwardTable: config.forward?.table }
}

/** Throws while the tunnel port has no number; `missing` keeps the loop from calling it then. */
export function overlayContext(overlay: HostOverlay | undefined, inputs: Inputs): OverlayContext | undefined {
  if (overlay === undefined) return undefined
  const tunnel = tunnelOfport(inputs)
  if (tunnel === undefined) throw new Error(`tunnel port ${overlay.tunnel} is not open yet`)
  const { networkKey, clientHosts, forwardTable } = overlay
  // The configured list may contain this host itself.
  const others = clientHosts.filter(ip => ip !== overlay.hostIp)
  return { tunnel, networkKey, clientHosts: others, forwardTable, directorIp: inputs.directors.active?.hostIp }
}

/** The ports without VLAN tags: on an overlay the tunnel's key names the virtual network, and frames carry no tag. */
export function withoutTags(snapshot: PortsSnapshot): PortsSnapshot {
  return { ...snapshot, ports: snapshot.ports.map(port => ({ ...port, tag: undefined })) }
}

/** The tunnel port for status, with the packet size that fits into it now. */
export function tunnelState(overlay: HostOverlay, problem: string | undefined): TunnelState {
  const { tunnel: name, encapsulation, hostIp } = overlay
  const underlay = underlayMtu(hostIp)
  const mtu = underlay === undefined ? undefined : underlay - OVERHEAD[encapsulation]
  return { name, problem, detail: `${encapsulation} from ${hostIp}`, mtu }
}

/** MTU of the interface with the host's underlay address; undefined where no interface has it. */
function underlayMtu(hostIp: string): number | undefined {
  const found = Object.entries(networkInterfaces()).find(([, addresses]) =>
    addresses?.some(({ address }) => address === hostIp),
  )
  if (found === undefined) return undefined
  try {
    return Number(readFileSync(`/sys/class/net/${found[0]}/mtu`, 'utf8'))
  } catch {
    return undefined
  }
}

/** Tunnel ends that this host sends to unasked; none where a network controller forwards. */
export function peersOf(overlay: HostOverlay, { active }: Directors): readonly string[] {
  if (overlay.forwardTable !== undefined) return []
  const ends = [...overlay.clientHosts, ...(active?.hostIp === undefined ? [] : [active.hostIp])]
  return ends.filter(ip => ip !== overlay.hostIp)
}

/** The frames by which this host makes itself known to other tunnel ends (shared/switch/tunnel-peers.ts). */
export function greetings({ networkKey }: HostOverlay, { ports, tunnel }: InputCells, hostMac: string | undefined) {
  return {
    mac: () => hostMac ?? ports.get().bridge?.mac,
    actions: (peer: string) => {
      const ofport = tunnelOfport({ ports: ports.get(), tunnel: tunnel.get() })
      return ofport === undefined ? [] : toTunnel({ tunnel: ofport, networkKey }, peer)
    },
  }
}
