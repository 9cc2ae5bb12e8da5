import { arpReply } from '../../../shared/flows/arp.ts'
import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import type { Action } from '../../../shared/openflow/types.ts'
import { ipNumber, vlanOf } from '../parts.ts'
import { ARP_OP, ETH_TYPE, PRIORITY, TABLE } from '../tables.ts'
import type { HostContext } from '../types.ts'

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
 */
export function arpProxyFlows({ vip, tag, arp }: VipNetwork, host: HostContext): Flow[] {
  const cookie = encodeCookie('agent', 'arp-answer', ipNumber(vip))
  const { hostMac, directorMac } = host
  const actions: Action[] =
    arp === 'drop' || directorMac === undefined ? [] : arpReply({ address: vip, mac: directorMac, ethSrc: hostMac })
  const match = { eth_type: ETH_TYPE.arp, arp_op: ARP_OP.request, arp_tpa: vip } as const
  const accessPorts = tag === undefined ? [] : host.vmPorts.filter(port => port.tag === tag)
  return [
    {
      table: TABLE.classify,
      priority: PRIORITY.arpAnnounced,
      cookie,
      match: { vlan_vid: vlanOf(tag), eth_type: ETH_TYPE.arp, arp_spa: vip, arp_tpa: vip },
      actions: [],
    },
    { table: TABLE.classify, priority: PRIORITY.arpProxy, cookie, match: { vlan_vid: vlanOf(tag), ...match }, actions },
    // Frames on an access port carry no tag until NORMAL gives them one.
    ...accessPorts.map(port => ({
      table: TABLE.classify,
      priority: PRIORITY.arpProxyAccess,
      cookie,
      match: { in_port: port.ofport, vlan_vid: vlanOf(undefined), ...match },
      actions,
    })),
  ]
}
