import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { OVERHEAD, type OverlayConfig, overlayOf } from '../shared/config/overlay.ts'
import type { InputCells } from './cells.ts'
import { toTunnel } from './compile/features/overlay.ts'
import type { OverlayContext } from './compile/types.ts'
import type { AgentConfig } from './config/schema.ts'
import { type Inputs, NO_HOST_IP, type TunnelState, tunnelOfport } from './inputs.ts'
import type { BridgePort, PortsSnapshot } from './ports/types.ts'

/** This host's end of the overlay, as configured. */
export interface HostOverlay extends OverlayConfig {
  /** Name of the tunnel port. */
  readonly tunnel: string
  /** Table of a network controller that forwards. */
  readonly forwardTable: number | undefined
}

/** Undefined on an l2 fabric. */
export function hostOverlay(config: AgentConfig): HostOverlay | undefined {
  const overlay = overlayOf(config)
  return overlay && { ...overlay, tunnel: config.uplink, forwardTable: config.forward?.table }
}

/** Throws while the tunnel port has no number; `missing` keeps the loop from calling it then. */
export function overlayContext(overlay: HostOverlay | undefined, inputs: Inputs): OverlayContext | undefined {
  if (overlay === undefined) return undefined
  const tunnel = tunnelOfport(inputs)
  if (tunnel === undefined) throw new Error(`tunnel port ${overlay.tunnel} is not open yet`)
  const { networkKey, clientHosts, forwardTable } = overlay
  // The configured list may contain this host itself.
  const others = clientHosts.filter(ip => ip !== inputs.hostIp)
  return { tunnel, networkKey, clientHosts: others, forwardTable, directorIp: inputs.directors.active?.hostIp }
}

/** The ports without VLAN tags: on an overlay the tunnel's key names the virtual network, and frames carry no tag. */
export function withoutTags(snapshot: PortsSnapshot): PortsSnapshot {
  return { ...snapshot, ports: snapshot.ports.map(withoutTag) }
}

/** The same port gives the same object: whatever compares ports sees those that have changed only. */
const untagged = new WeakMap<BridgePort, BridgePort>()

function withoutTag(port: BridgePort): BridgePort {
  if (port.tag === undefined) return port
  const found = untagged.get(port) ?? { ...port, tag: undefined }
  untagged.set(port, found)
  return found
}

/**
 * The tunnel port as status shows it, with what fits into it now.
 *
 * @param hostIp - this end's address in the underlay; undefined: it has none yet
 */
export function tunnelState(
  { tunnel: name, encapsulation }: HostOverlay,
  hostIp: string | undefined,
  problem: string | undefined,
): TunnelState {
  if (hostIp === undefined) return { name, problem: NO_HOST_IP, detail: encapsulation, mtu: undefined }
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

/** The tunnel ends that this host sends to without having been asked; none where a network controller forwards. */
export function peersOf(
  overlay: HostOverlay,
  { directors: { active }, hostIp }: Pick<Inputs, 'directors' | 'hostIp'>,
): readonly string[] {
  if (overlay.forwardTable !== undefined) return []
  const ends = [...overlay.clientHosts, ...(active?.hostIp === undefined ? [] : [active.hostIp])]
  return ends.filter(ip => ip !== hostIp)
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
