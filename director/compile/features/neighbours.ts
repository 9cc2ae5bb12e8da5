import { encodeCookie } from '../../../shared/flows/cookie.ts'
import { familyOf } from '../../../shared/net/family.ts'
import { goBack, origins } from '../fabric.ts'
import { PRIORITY, TABLE } from '../tables.ts'
import type { VipFeature } from '../types.ts'

/**
 * Answers neighbour requests for the VIP with D (RFC 826; RFC 4861): broadcast requests, unicast probes of a neighbour cache (RFC
 * 1122, 2.3.2.1), and duplicate address probes (RFC 5227, 2.1.1; RFC 4862, 5.4), because the address is taken.
 */
export const neighbours: VipFeature = (site, vip) => {
  const { request, answer } = familyOf(vip).neighbours
  return origins(site).map(origin => ({
    table: TABLE.CLASSIFY,
    priority: PRIORITY.ANSWER,
    cookie: encodeCookie('director', 'vip-arp'),
    match: { ...origin, ...request(vip) },
    actions: [...goBack(site), ...answer({ address: vip, mac: site.directorMac, ethSrc: site.directorMac })],
  }))
}
