import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import { ipNumber } from '../parts.ts'
import { ARP_OP, ETH_TYPE, PRIORITY, TABLE } from '../tables.ts'
import type { HostContext, Shield } from '../types.ts'
import { sendAsHost } from './as-host.ts'

/**
 * Rules 4 and 5 for one VM that holds a VIP: its ARP for the VIP is never heard (replies, announcements, duplicate
 * address probes), ordinary requests go out with the VM's own address as sender, and whatever else it sends from the
 * VIP leaves with the host's MAC.
 *
 * A request that has got its sender goes through table 0 once more: what it asks for may be answered on this very
 * bridge (another VIP), and a stranger's pipeline is to see it like any other.
 */
export function shieldFlows(shield: Shield, host: HostContext): Flow[] {
  const { vip, ofport, tag, ownAddress = '0.0.0.0' } = shield
  const cookie = encodeCookie('agent', 'arp-shield', ipNumber(vip))
  const arp = { in_port: ofport, eth_type: ETH_TYPE.arp } as const
  return [
    { table: TABLE.classify, priority: PRIORITY.arpSelf, cookie, match: { ...arp, arp_tpa: vip }, actions: [] },
    {
      table: TABLE.classify,
      priority: PRIORITY.arpSender,
      cookie,
      match: { ...arp, arp_op: ARP_OP.request, arp_spa: vip },
      actions: [
        { type: 'set_field', field: 'arp_spa', value: ownAddress },
        { type: 'resubmit', table: TABLE.classify },
      ],
    },
    { table: TABLE.classify, priority: PRIORITY.arpShield, cookie, match: { ...arp, arp_spa: vip }, actions: [] },
    {
      table: TABLE.classify,
      priority: PRIORITY.source,
      cookie: encodeCookie('agent', 'source-mac', ipNumber(vip)),
      match: { in_port: ofport, eth_type: ETH_TYPE.ipv4, ipv4_src: vip },
      actions: [{ type: 'set_field', field: 'eth_src', value: host.hostMac }, ...sendAsHost(host, tag)],
    },
  ]
}
