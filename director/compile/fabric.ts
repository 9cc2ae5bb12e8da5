import { type Action, type Match, PORT } from '../../shared/openflow/types.ts'
import { FORWARDED, SIGNAL, TABLE } from './tables.ts'
import type { OverlaySite, Site, Target } from './types.ts'

/** Only this file knows the differences between the fabrics. */

/**
 * Actions that send a request, whose port has been rewritten, to a real server's host. A host on the director's own bridge gets
 * the packet through table 0, where its agent's flows match.
 */
export function toHost(site: Site, target: Pick<Target, 'hostMac' | 'hostIp'>): readonly Action[] {
  const address: Action[] = [{ type: 'set_field', field: 'eth_dst', value: target.hostMac }]
  if (site.fabric === 'l2') address.push({ type: 'resubmit', table: TABLE.TAG })
  if (site.ownMacs.includes(target.hostMac)) {
    return [...address, { type: 'set_field', field: FORWARDED, value: 1 }, { type: 'resubmit', table: TABLE.CLASSIFY }]
  }
  const tunnel = site.fabric === 'l2' ? [] : tunnelTo(site.fabric, target.hostIp)
  return [...address, ...tunnel, { type: 'resubmit', table: TABLE.UPLINK }]
}

/**
 * Matches for where packets of the virtual network come from. On an overlay these are the tunnel with our key (under another key
 * the same addresses mean other machines) and the ports of this bridge, which have no key.
 */
export function origins({ fabric, uplink }: Site): readonly Match[] {
  if (fabric === 'l2') return [{}]
  return [{ in_port: uplink, tun_id: fabric.networkKey }, { tun_id: 0 }]
}

/** Derives R from D: a second address of the director, which no machine has. */
export function recallMacOf(directorMac: string): string {
  const first = Number.parseInt(directorMac.slice(0, 2), 16)
  // A locally administered address (IEEE 802, 8.2).
  return `${((first ^ 0x08) | 0x02).toString(16).padStart(2, '0')}${directorMac.slice(2)}`
}

/**
 * Match for a host's frames to R: on an overlay they come from that host's tunnel end, and from no other. Frames from an agent on
 * this bridge may come from any port, and carry a mark.
 */
export function fromHost(
  { fabric, uplink, ownMacs }: Site,
  { hostMac, hostIp }: Pick<Target, 'hostMac' | 'hostIp'>,
): Match {
  if (ownMacs.includes(hostMac)) return { [SIGNAL]: '0x1/0x1' }
  return { in_port: uplink, ...(fabric === 'l2' ? {} : { tun_id: fabric.networkKey, tun_src: hostIp }) }
}

/** Actions that an answer through IN_PORT needs besides: on an overlay, the tunnel's destination. */
export function goBack({ fabric }: Site): readonly Action[] {
  return fabric === 'l2' ? [] : [{ type: 'move', src: { field: 'tun_src' }, dst: { field: 'tun_dst' } }]
}

/**
 * Sends a frame to all: NORMAL floods it, and each host with clients gets a copy. Where an agent shares the bridge, its VMs are
 * left out, because those that hold the VIP would take the frame for a duplicate address; the agent announces to the other VMs
 * itself.
 */
export function toAll({ fabric, uplink }: Site, agentHere: boolean): readonly Action[] {
  const normal: Action = { type: 'output', port: PORT.NORMAL }
  if (fabric === 'l2') return [agentHere ? { type: 'output', port: uplink } : normal]
  return [...(agentHere ? [] : [normal]), ...fabric.clientHosts.flatMap(host => intoTunnel(uplink, fabric, host))]
}

/** Actions that send any frame through the tunnel to one host. */
export function intoTunnel(uplink: number, overlay: OverlaySite, hostIp: string): readonly Action[] {
  return [...tunnelTo(overlay, hostIp), { type: 'output', port: uplink }]
}

function tunnelTo({ networkKey }: OverlaySite, hostIp: string): readonly Action[] {
  return [
    { type: 'set_field', field: 'tun_id', value: networkKey },
    { type: 'set_field', field: 'tun_dst', value: hostIp },
  ]
}
