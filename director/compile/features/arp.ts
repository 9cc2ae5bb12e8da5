import { arpReply } from '../../../shared/flows/arp.ts'
import { encodeCookie } from '../../../shared/flows/cookie.ts'
import { goBack, origins } from '../fabric.ts'
import { PRIORITY, TABLE } from '../tables.ts'
import type { VipFeature } from '../types.ts'

/**
 * "Who has the VIP?" is answered with D (RFC 826), broadcast requests and unicast probes of a neighbour cache alike
 * (RFC 1122, 2.3.2.1), and duplicate address probes too (RFC 5227, 2.1.1): the address is taken.
 */
export const arp: VipFeature = (site, vip) =>
  origins(site).map(origin => ({
    table: TABLE.CLASSIFY,
    priority: PRIORITY.ANSWER,
    cookie: encodeCookie('director', 'vip-arp'),
    match: { ...origin, eth_type: 0x0806, arp_op: 1, arp_tpa: vip },
    actions: [...goBack(site), ...arpReply({ address: vip, mac: site.directorMac, ethSrc: site.directorMac })],
  }))
