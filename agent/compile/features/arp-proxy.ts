import { arpReply } from '../../../shared/flows/arp.ts'
import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import type { Action, Match } from '../../../shared/openflow/types.ts'
import { ipNumber, vlanOf } from '../parts.ts'
import { ARP_OP, ETH_TYPE, PRIORITY, TABLE } from '../tables.ts'
import type { HostContext } from '../types.ts'
import { fromTunnel } from './overlay.ts'

/** One VIP in one layer-2 network of this host. */
export interface VipNetwork {
  readonly vip: string
  readonly tag: number | undefined
  readonly arp: 'answer' | 'drop'
}

/**
 * Rule 3: an ARP request for the VIP, from any port, is answered with the director's MAC, in a frame that comes from
 * the host's own (an answer with eth_src=D would teach the fabric D on the wrong port); or dropped, as the service
 * says, and always dropped while no director is known. An announcement of the VIP that comes from the fabric is not
 * answered, and kept from the VMs that hold the VIP, which would take it for a duplicate address.
 *
 * On an overlay a request from the tunnel counts when it is from a client host, as far as these are configured, and the
 * answer goes back to that host.
 */
export function arpProxyFlows({ vip, tag, arp }: VipNetwork, host: HostContext): Flow[] {
  const cookie = encodeCookie('agent', 'arp-answer', ipNumber(vip))
  const { hostMac, directorMac } = host
  const actions: Action[] =
    arp === 'drop' || directorMac === undefined ? [] : arpReply({ address: vip, mac: directorMac, ethSrc: hostMac })
  const match = { eth_type: ETH_TYPE.arp, arp_op: ARP_OP.request, arp_tpa: vip } as const
  const flow = (priority: number, narrowed: Match, does: readonly Action[]): Flow => {
    return { table: TABLE.classify, priority, cookie, match: narrowed, actions: does }
  }
  const announced = { eth_type: ETH_TYPE.arp, arp_spa: vip, arp_tpa: vip } as const
  const accessPorts = tag === undefined ? [] : host.vmPorts.filter(port => port.tag === tag)
  // Frames on an access port carry no tag until NORMAL gives them one.
  const access = accessPorts.map(({ ofport }) =>
    flow(PRIORITY.arpProxyAccess, { in_port: ofport, vlan_vid: vlanOf(undefined), ...match }, actions),
  )
  if (host.overlay === undefined) {
    const vlan_vid = vlanOf(tag)
    return [
      flow(PRIORITY.arpAnnounced, { vlan_vid, ...announced }, []),
      flow(PRIORITY.arpProxy, { vlan_vid, ...match }, actions),
      ...access,
    ]
  }
  const tunnel = fromTunnel(host.overlay)
  const back: Action[] =
    actions.length === 0 ? [] : [{ type: 'move', src: { field: 'tun_src' }, dst: { field: 'tun_dst' } }, ...actions]
  const { clientHosts } = host.overlay
  const senders: Match[] = clientHosts.length === 0 ? [{}] : clientHosts.map(tun_src => ({ tun_src }))
  return [
    flow(PRIORITY.arpAnnounced, { ...tunnel, ...announced }, []),
    ...senders.map(sender => flow(PRIORITY.arpProxy, { ...tunnel, ...sender, ...match }, back)),
    ...(tag === undefined
      ? [flow(PRIORITY.arpProxy, { tun_id: 0, vlan_vid: vlanOf(tag), ...match }, actions)]
      : access),
  ]
}
