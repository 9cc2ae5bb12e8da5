import { encodeCookie } from '../../../shared/flows/cookie.ts'
import { PORT } from '../../../shared/openflow/types.ts'
import { origins } from '../fabric.ts'
import { FORWARDED, PRIORITY, TABLE } from '../tables.ts'
import type { VipFeature } from '../types.ts'

/**
 * What is sent to D for the VIP and is no request of a service is the bridge's own affair. Where D is the host's own
 * hardware address, the rules of an agent on this bridge (to H, for VIP and ingress port) would take it for a request
 * that has been scheduled: a client outside of `clients`, or one that knows the real server's port, would get through.
 */
export const noRequest: VipFeature = (site, vip) => {
  if (!site.ownMacs.includes(site.directorMac)) return []
  return origins(site).flatMap(origin =>
    [6, 17].map(ip_proto => ({
      table: TABLE.CLASSIFY,
      priority: PRIORITY.NO_REQUEST,
      cookie: encodeCookie('director', 'no-request'),
      match: { ...origin, eth_type: 0x0800, eth_dst: site.directorMac, ipv4_dst: vip, ip_proto, [FORWARDED]: 0 },
      actions: [{ type: 'output', port: PORT.NORMAL }],
    })),
  )
}
