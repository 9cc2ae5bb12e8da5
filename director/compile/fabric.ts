import { type Action, type Match, PORT } from '../../shared/openflow/types.ts'
import { FORWARDED, SIGNAL, TABLE } from './tables.ts'
import type { OverlaySite, Site, Target } from './types.ts'

/** This file is the one place that knows what the fabric is. */

/**
 * How a request, whose port has been rewritten, gets to a real server's host.
 * A host of the director's own bridge is not sent to; its agent's flows in table 0 take the packet.
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
 * Where packets of the virtual network come from, as matches. On an overlay: the tunnel with our key (another key is
 * another network, where the same addresses mean others), and ports of this bridge, which have no key.
 */
export function origins({ fabric, uplink }: Site): readonly Match[] {
  if (fabric === 'l2') return [{}]
  return [{ in_port: uplink, tun_id: fabric.networkKey }, { tun_id: 0 }]
}

/** R, of D: another address of the director's, which no machine has. */
export function recallMacOf(directorMac: string): string {
  const first = Number.parseInt(directorMac.slice(0, 2), 16)
  // Locally administered (IEEE 802, 8.2), like all that nobody has bought.
  return `${((first ^ 0x08) | 0x02).toString(16).padStart(2, '0')}${directorMac.slice(2)}`
}

/** Where a host's frames to R come in, as a match; those of an agent on this bridge come from anywhere, and are marked. */
export function fromHost({ fabric, uplink, ownMacs }: Site, hostMac: string): Match {
  if (ownMacs.includes(hostMac)) return { [SIGNAL]: '0x1/0x1' }
  return { in_port: uplink, ...(fabric === 'l2' ? {} : { tun_id: fabric.networkKey }) }
}

/** What an answer that goes back through IN_PORT needs besides: on an overlay, to go to the host that asked. */
export function goBack({ fabric }: Site): readonly Action[] {
  return fabric === 'l2' ? [] : [{ type: 'move', src: { field: 'tun_src' }, dst: { field: 'tun_dst' } }]
}

/**
 * To everybody: what NORMAL floods, and a copy for each host that clients are on. Where an agent shares the bridge its VMs
 * are left out, for some hold the VIP and would take it for a duplicate address: the agent tells the others itself.
 */
export function toAll({ fabric, uplink }: Site, agentHere: boolean): readonly Action[] {
  const normal: Action = { type: 'output', port: PORT.NORMAL }
  if (fabric === 'l2') return [agentHere ? { type: 'output', port: uplink } : normal]
  return [...(agentHere ? [] : [normal]), ...fabric.clientHosts.flatMap(host => intoTunnel(uplink, fabric, host))]
}

/** Into the tunnel to one host, whatever the frame. */
export function intoTunnel(uplink: number, overlay: OverlaySite, hostIp: string): readonly Action[] {
  return [...tunnelTo(overlay, hostIp), { type: 'output', port: uplink }]
}

function tunnelTo({ networkKey }: OverlaySite, hostIp: string): readonly Action[] {
  return [
    { type: 'set_field', field: 'tun_id', value: networkKey },
    { type: 'set_field', field: 'tun_dst', value: hostIp },
  ]
}
